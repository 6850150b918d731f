import '@/styles/forms';
import { Checkbox, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { BacktestRow } from '@/client/schema';
import { Below } from '@/components/Below';
import type { Column } from '@/components/columns';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { StateTag } from '@/components/Tag';
import { formatRoughPercent } from '@/lib/numbers';
import { RUN_STATES } from '@/lib/states';
import styles from './backtests.module.css';
import { FIGURES, figureWords, numberOf } from './figures';
import { SOURCE_WORDS, spanWords } from './words';

export function BacktestLink({ row }: { row: BacktestRow }) {
  return (
    <Link to="/backtests/$id" params={{ id: row.id }} className={rowLink.link}>
      {row.name}
    </Link>
  );
}

export function StatusCell({ row }: { row: BacktestRow }) {
  const { done = 0, of = 0 } = row.progress ?? {};
  return (
    <>
      <StateTag state={row.status} words={RUN_STATES} />
      {row.status === 'RUNNING' && of > 0 && (
        <Text component="span" size="xs" c="dimmed" className="numeric">
          {' '}
          {formatRoughPercent(done / of)}
        </Text>
      )}
    </>
  );
}

/** Which of the rows are to be laid side by side. */
export interface Picking {
  picked: ReadonlySet<string>;
  toggle: (id: string) => void;
}

export function Pick({ row, picking }: { row: BacktestRow; picking: Picking }) {
  return (
    <Checkbox
      className={styles.above}
      aria-label={`Compare ${row.name}`}
      checked={picking.picked.has(row.id)}
      disabled={row.status !== 'COMPLETED'}
      onChange={() => picking.toggle(row.id)}
    />
  );
}

const SHOWN = ['return', 'cagr', 'sharpe', 'max_drawdown', 'win_rate', 'trades', 'pm_usage_peak'];
const SHORT: Readonly<Record<string, string>> = {
  cagr: 'CAGR',
  max_drawdown: 'Drawdown',
  trades: 'Trades',
  pm_usage_peak: 'Margin',
};

const FIGURE_COLUMNS: readonly Column<BacktestRow>[] = SHOWN.flatMap((name) => {
  const kind = FIGURES.find((each) => each.name === name);
  if (kind === undefined) return [];
  return [
    {
      id: name,
      header: SHORT[name] ?? kind.label,
      hint: kind.label,
      kind: 'number' as const,
      value: (row: BacktestRow) => numberOf(row.stats, name),
      cell: (row: BacktestRow) => figureWords(kind, numberOf(row.stats, name)),
    },
  ];
});

const STATUS: Column<BacktestRow> = {
  id: 'status',
  header: 'Status',
  kind: 'text',
  value: (row) => row.status,
  cell: (row) => <StatusCell row={row} />,
};

export function backtestColumns(picking: Picking): readonly Column<BacktestRow>[] {
  return [
    {
      id: 'name',
      header: 'Backtest',
      kind: 'text',
      wraps: true,
      value: (row) => `${row.name} ${row.strategy}`,
      cell: (row) => (
        <>
          <BacktestLink row={row} />
          <Below>
            {row.strategy} · {spanWords(row.stats) || row.data_label}
          </Below>
        </>
      ),
    },
    STATUS,
    ...FIGURE_COLUMNS,
    {
      id: 'source',
      header: 'Started',
      kind: 'text',
      value: (row) => row.started_at,
      cell: (row) => (
        <>
          <Moment at={row.started_at} />
          <Below>
            {SOURCE_WORDS[row.source]} · {row.author}
          </Below>
        </>
      ),
    },
    {
      id: 'pick',
      header: 'Compare',
      kind: 'text',
      value: () => '',
      cell: (row) => <Pick row={row} picking={picking} />,
    },
    {
      id: 'author',
      header: 'Author',
      kind: 'text',
      value: (row) => `${row.author} ${SOURCE_WORDS[row.source]}`,
      isHidden: true,
    },
  ];
}

/** Of a sweep, whose backtests differ in little but their settings. */
export function pointColumns(picking: Picking): readonly Column<BacktestRow>[] {
  return backtestColumns(picking)
    .filter((column) => column.id !== 'source')
    .map((column) =>
      column.id !== 'name'
        ? column
        : {
            ...column,
            header: 'Settings',
            value: (row) => row.name,
            cell: (row) => <BacktestLink row={row} />,
          },
    );
}
