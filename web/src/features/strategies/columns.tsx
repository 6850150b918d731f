import { Link } from '@tanstack/react-router';
import type { StrategyRow, StrategyRunRow } from '@/client/schema';
import { Below } from '@/components/Below';
import { accountColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { Tag } from '@/components/Tag';
import { runSummary } from '@/lib/runs';
import { StrategyActions } from './StrategyActions';

export function StrategyLink({ strategy }: { strategy: StrategyRow }) {
  return (
    <Link to="/strategies/$id" params={{ id: strategy.id }} className={rowLink.link}>
      {strategy.name}
    </Link>
  );
}

export function LastRun({ run }: { run: StrategyRunRow | null }) {
  if (run === null) return <>Never</>;
  return (
    <>
      <Moment at={run.started_at} /> {run.status === 'FAILED' && <Tag tone="danger">FAILED</Tag>}
      {run.status === 'RUNNING' && <Tag tone="info">RUNNING</Tag>}
      {run.status === 'COMPLETED' && run.errors.length > 0 && (
        <Tag tone="warn">
          {run.errors.length} {run.errors.length === 1 ? 'ERROR' : 'ERRORS'}
        </Tag>
      )}
      <Below>{runSummary(run)}</Below>
    </>
  );
}

export function NextRun({ strategy }: { strategy: StrategyRow }) {
  if (strategy.next_run_at !== null) return <Moment at={strategy.next_run_at} />;
  return <Below>{strategy.next_run_note}</Below>;
}

export const STRATEGY_COLUMNS: readonly Column<StrategyRow>[] = [
  {
    id: 'name',
    header: 'Strategy',
    kind: 'text',
    wraps: true,
    value: (row) => `${row.name} ${row.slug} ${row.version}`,
    cell: (row) => (
      <>
        <StrategyLink strategy={row} />
        <Below>
          {row.strategy_name} · version {row.version}
        </Below>
      </>
    ),
  },
  {
    id: 'state',
    header: 'State',
    kind: 'text',
    value: (row) => (row.enabled ? 'on' : 'off'),
    cell: (row) => <StrategyActions strategy={row} />,
  },
  {
    id: 'universe',
    header: 'Universe',
    kind: 'text',
    wraps: true,
    value: (row) => row.universe.join(' '),
    cell: (row) => <Universe symbols={row.universe} />,
  },
  accountColumn(),
  {
    id: 'last',
    header: 'Last run',
    kind: 'text',
    wraps: true,
    value: (row) => row.last_run?.started_at ?? null,
    cell: (row) => <LastRun run={row.last_run} />,
  },
  {
    id: 'next',
    header: 'Next run',
    kind: 'text',
    wraps: true,
    value: (row) => row.next_run_at ?? row.next_run_note,
    cell: (row) => <NextRun strategy={row} />,
  },
  {
    id: 'waiting',
    header: 'To decide',
    hint: 'Its recommendations that wait for a decision',
    kind: 'number',
    value: (row) => row.waiting,
  },
];

const MOST_SHOWN = 5;

function Universe({ symbols }: { symbols: readonly string[] }) {
  const more = symbols.length - MOST_SHOWN;
  return (
    <span title={symbols.join(', ')}>
      {symbols.slice(0, MOST_SHOWN).join(', ')}
      {more > 0 && ` and ${more} more`}
    </span>
  );
}
