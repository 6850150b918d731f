import { Anchor, Button, Group } from '@mantine/core';
import { IconChecklist } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useChosenClient } from '@/client/hooks';
import type { StrategyRow } from '@/client/schema';
import { strategiesQuery } from '@/client/strategies';
import { EmptyState } from '@/components/EmptyState';
import { Moment } from '@/components/Moment';
import { rowsOf } from '@/components/pages';
import { type Quiet, runSummary, whyQuiet } from '@/lib/runs';
import styles from './QuietRuns.module.css';

interface QuietRunsProps {
  account: string | undefined;
  /** Leads to the recommendations that were decided. */
  showAll: ReactNode;
}

const TITLES: Record<Quiet, string> = {
  'none-on': 'Nothing to decide: no strategy is switched on',
  'under-way': 'Nothing to decide yet: a strategy is looking at the market',
  'not-yet': 'Nothing to decide yet: no strategy has run',
  ran: 'Nothing to decide',
};

const WORDS: Record<Quiet, string> = {
  'none-on': 'A strategy that is on looks at the market every few minutes and recommends trades.',
  'under-way': 'What it finds appears here by itself as soon as it is done.',
  'not-yet': 'The first run of each comes by itself, or at once with “Run now”.',
  ran: 'What the last runs came to is below; the next ones add here by themselves.',
};

/** Nothing waits although the market is open: what the strategies are doing about it. */
export function QuietRuns({ account, showAll }: QuietRunsProps) {
  const client = useChosenClient()?.id;
  const query = useInfiniteQuery(strategiesQuery({ client, account }));
  if (!query.isSuccess) {
    return (
      <EmptyState icon={IconChecklist} title="Nothing to decide" action={showAll}>
        New recommendations appear here by themselves.
      </EmptyState>
    );
  }
  const strategies = rowsOf(query);
  const why = whyQuiet(strategies);
  const told = strategies.filter((each) => each.enabled || each.last_run?.status === 'RUNNING');
  return (
    <EmptyState
      icon={IconChecklist}
      title={TITLES[why]}
      action={
        <Group justify="center">
          {why === 'ran' ? (
            <Button component={Link} to="/opportunities" variant="default">
              See what each rule removed
            </Button>
          ) : (
            <Button component={Link} to="/strategies" variant="default">
              Open the strategies
            </Button>
          )}
          {showAll}
        </Group>
      }
    >
      {WORDS[why]}
      <ul className={styles.runs}>
        {told.map((strategy) => (
          <li key={strategy.id}>
            <Anchor component={Link} to="/strategies/$id" params={{ id: strategy.id } as never}>
              {strategy.name}
            </Anchor>
            : <Latest strategy={strategy} />
          </li>
        ))}
      </ul>
    </EmptyState>
  );
}

/** What came of the last run, or when the first one is due. */
function Latest({ strategy: { last_run: run, next_run_at, next_run_note } }: LatestProps) {
  if (run !== null) {
    return (
      <>
        {runSummary(run)} (<Moment at={run.started_at} />)
      </>
    );
  }
  if (next_run_at === null) return next_run_note;
  return (
    <>
      first run at <Moment at={next_run_at} />
    </>
  );
}

interface LatestProps {
  strategy: StrategyRow;
}
