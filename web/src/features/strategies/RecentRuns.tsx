import { Anchor, Button, Group, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { StrategyRunRow } from '@/client/schema';
import { Failure } from '@/components/Failure';
import { Moment } from '@/components/Moment';
import { PlainTable } from '@/components/PlainTable';
import { rowsOf } from '@/components/pages';
import { Tag } from '@/components/Tag';
import { runSummary } from '@/lib/runs';
import type { Tone } from '@/lib/states';
import { strategyRunsQuery } from './queries';
import styles from './strategies.module.css';

const TONES: Readonly<Record<StrategyRunRow['status'], Tone>> = {
  RUNNING: 'info',
  COMPLETED: 'ok',
  FAILED: 'danger',
  CANCELLED: 'neutral',
};

/** Every look at the market, the newest first: how long it took, what it found, what failed. */
export function RecentRuns({ strategyId }: { strategyId: string }) {
  const query = useInfiniteQuery(strategyRunsQuery(strategyId));
  const runs = rowsOf(query);
  if (query.isError) return <Failure query={query} />;
  if (query.isPending) return <Text size="sm">Loading…</Text>;
  if (runs.length === 0) {
    return <Text size="sm">It has not run yet. Switch it on, or run it now.</Text>;
  }
  return (
    <>
      <PlainTable
        label="Runs, the newest first"
        csv="strategy-runs"
        head={[
          'Began',
          'Status',
          { figure: 'Took' },
          { figure: 'Found' },
          { figure: 'Recommended' },
          'Outcome',
          'More',
        ]}
      >
        <tbody>
          {runs.map((run) => (
            <Run key={run.id} run={run} />
          ))}
        </tbody>
      </PlainTable>
      {query.hasNextPage && (
        <Group mt="sm">
          <Button
            size="xs"
            variant="default"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Earlier runs
          </Button>
        </Group>
      )}
    </>
  );
}

function Run({ run }: { run: StrategyRunRow }) {
  const found = run.status === 'COMPLETED';
  return (
    <tr>
      <td>
        <Moment at={run.started_at} />
      </td>
      <td>
        <Tag tone={TONES[run.status]}>{run.status}</Tag>
      </td>
      <td data-numeric>{durationWords(run.duration_seconds)}</td>
      <td data-numeric>{found ? run.opportunities : ''}</td>
      <td data-numeric>{found ? run.proposed : ''}</td>
      <td>
        {run.errors.length === 0 ? (
          <Text size="sm">{found && run.proposed > 0 ? '' : runSummary(run)}</Text>
        ) : (
          <Errors errors={run.errors} />
        )}
      </td>
      <td style={{ whiteSpace: 'nowrap' }}>
        {found && (
          <Anchor component={Link} to="/opportunities" search={{ run: run.id } as never} size="sm">
            Opportunities
          </Anchor>
        )}{' '}
        <Anchor
          href={run.workflow_url}
          target="_blank"
          rel="noreferrer"
          size="sm"
          aria-label="Open in Temporal Web"
        >
          <IconExternalLink size={13} aria-hidden />
        </Anchor>
      </td>
    </tr>
  );
}

/** The last line of each error says what happened; the rest is one click away. */
function Errors({ errors }: { errors: readonly string[] }) {
  return (
    <div className={styles.errors}>
      {errors.map((error) => {
        const lines = error.trimEnd().split('\n');
        if (lines.length === 1) return <div key={error}>{error}</div>;
        return (
          <details key={error}>
            <summary>{lines.at(-1)}</summary>
            <pre>{error}</pre>
          </details>
        );
      })}
    </div>
  );
}

/** `0.8 s`, `42 s`, `3 min 5 s`. */
function durationWords(seconds: number | null): string {
  if (seconds === null) return '';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
