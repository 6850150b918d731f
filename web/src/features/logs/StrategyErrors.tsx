import { Group, Stack, Text } from '@mantine/core';
import { IconRobot } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { StrategyErrorRow } from '@/client/schema';
import { Below } from '@/components/Below';
import { accountColumn, momentColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { LogTabs } from '@/components/LogTabs';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { TableScreen } from '@/components/TableScreen';
import { StateTag } from '@/components/Tag';
import { RUN_STATES } from '@/lib/states';
import styles from './logs.module.css';
import { strategyErrorsQuery } from './queries';

const COLUMNS: readonly Column<StrategyErrorRow>[] = [
  momentColumn('at', 'Run at', (row) => row.started_at),
  {
    id: 'strategy',
    header: 'Strategy',
    kind: 'text',
    value: (row) => row.strategy,
    cell: (row) => <StrategyLink row={row} />,
  },
  {
    id: 'status',
    header: 'Run',
    kind: 'text',
    value: (row) => row.status,
    cell: (row) => <StateTag state={row.status} words={RUN_STATES} />,
  },
  {
    id: 'errors',
    header: 'What went wrong',
    kind: 'text',
    value: (row) => row.errors.join('; '),
    cell: (row) => <Errors row={row} />,
  },
  accountColumn(),
];

/** Runs of strategies that stumbled, and over what. */
export function StrategyErrors({ client }: { client: string | undefined }) {
  const query = useInfiniteQuery(strategyErrorsQuery(client));
  return (
    <TableScreen<StrategyErrorRow>
      title="Strategy errors"
      name="strategy-errors"
      query={query}
      columns={COLUMNS}
      notice={<LogTabs current="Strategy errors" />}
      empty={
        <EmptyState icon={IconRobot} title="No run had an error">
          What a strategy could not look at, and why, appears here; the rest of its run goes on.
        </EmptyState>
      }
      rowKey={(row) => row.id}
      card={(row) => (
        <Stack gap={6}>
          <Group justify="space-between">
            <StrategyLink row={row} />
            <StateTag state={row.status} words={RUN_STATES} />
          </Group>
          <Errors row={row} />
          <Text size="xs" c="dimmed" component="div">
            <Moment at={row.started_at} />
          </Text>
        </Stack>
      )}
      isAlarming={(row) => row.status === 'FAILED'}
    />
  );
}

function StrategyLink({ row }: { row: StrategyErrorRow }) {
  return (
    <Link to="/strategies/$id" params={{ id: row.strategy_id }} className={rowLink.other}>
      {row.strategy}
    </Link>
  );
}

const SHOWN = 3;

function Errors({ row }: { row: StrategyErrorRow }) {
  const more = row.errors.length - SHOWN;
  return (
    <div className={styles.words}>
      {row.errors.slice(0, SHOWN).map((error) => (
        <div key={error}>{error}</div>
      ))}
      <Below>
        {more > 0 && `and ${more} more · `}
        <a
          href={row.workflow_url}
          target="_blank"
          rel="noreferrer"
          className={`${rowLink.other} ${styles.outside}`}
        >
          Temporal Web
        </a>
      </Below>
    </div>
  );
}
