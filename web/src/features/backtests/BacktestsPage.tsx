import '@/styles/segmentedControl';
import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { IconChartHistogram, IconPlus } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useChosenClient } from '@/client/hooks';
import type { BacktestRow, BacktestSource, RunStatus, SweepSummary } from '@/client/schema';
import { strategyKindsQuery } from '@/client/strategies';
import { EmptyState } from '@/components/EmptyState';
import { TableScreen } from '@/components/TableScreen';
import { BacktestCard } from './BacktestCard';
import { CompareButton } from './CompareButton';
import { backtestColumns } from './columns';
import { backtestsQuery, sweepsQuery } from './queries';
import { type BacktestsSearch, SOURCES, STATUSES } from './search';
import { SWEEP_COLUMNS, SweepCard } from './sweepColumns';
import { useBacktestOwners } from './useBacktestOwners';
import { usePicking } from './usePicking';
import { SOURCE_WORDS } from './words';

const route = getRouteApi('/desk/backtests');

const LIST_CHOICES = [
  { value: 'runs', label: 'Backtests' },
  { value: 'sweeps', label: 'Sweeps' },
];

/** What the desk's strategies would have done: every backtest, wherever it was started. */
export function BacktestsPage() {
  const { list = 'runs' } = route.useSearch();
  return list === 'sweeps' ? <Sweeps /> : <Runs />;
}

function useChange() {
  const navigate = route.useNavigate();
  return (changes: BacktestsSearch) =>
    void navigate({ search: (before) => ({ ...before, ...changes }), replace: true });
}

function ListChoice() {
  const { list = 'runs' } = route.useSearch();
  const change = useChange();
  return (
    <SegmentedControl
      aria-label="What is listed"
      value={list}
      data={LIST_CHOICES}
      onChange={(value) =>
        change({ list: value === 'sweeps' ? 'sweeps' : undefined, sort: undefined })
      }
    />
  );
}

function NewButton() {
  const navigate = useNavigate();
  const mayStart = useBacktestOwners().length > 0;
  if (!mayStart) return null;
  return (
    <Button
      leftSection={<IconPlus size={16} aria-hidden />}
      onClick={() => void navigate({ to: '/backtests/new' })}
    >
      New backtest
    </Button>
  );
}

function Runs() {
  const search = route.useSearch();
  const { status, source, strategy } = search;
  const change = useChange();
  const client = useChosenClient();
  const query = useInfiniteQuery(
    backtestsQuery({ client: client?.id, status, source: source && [source], strategy }),
  );
  const picking = usePicking();
  const columns = useMemo(() => backtestColumns(picking), [picking]);
  const isNarrowed = status !== undefined || source !== undefined || strategy !== undefined;
  return (
    <TableScreen<BacktestRow>
      title="Backtests"
      name="backtests"
      query={query}
      columns={columns}
      controls={
        <>
          <ListChoice />
          <StrategyChoice value={strategy} onChange={(each) => change({ strategy: each })} />
          <NativeSelect
            aria-label="Status"
            value={status?.[0] ?? ''}
            onChange={(event) => {
              const chosen = event.currentTarget.value as RunStatus | '';
              change({ status: chosen === '' ? undefined : [chosen] });
            }}
            data={[
              { value: '', label: 'Any status' },
              ...STATUSES.map((each) => ({ value: each, label: each })),
            ]}
          />
          <NativeSelect
            aria-label="Where it was started"
            value={source ?? ''}
            onChange={(event) =>
              change({ source: (event.currentTarget.value || undefined) as BacktestSource })
            }
            data={[
              { value: '', label: 'Started anywhere' },
              ...SOURCES.map((each) => ({ value: each, label: SOURCE_WORDS[each] })),
            ]}
          />
          <CompareButton picked={picking.picked} />
          <NewButton />
        </>
      }
      empty={
        <EmptyState
          icon={IconChartHistogram}
          title={isNarrowed ? 'No backtests like these' : 'No backtest has been run'}
          action={
            isNarrowed ? (
              <Button
                variant="default"
                onClick={() =>
                  change({ status: undefined, source: undefined, strategy: undefined })
                }
              >
                Show all
              </Button>
            ) : (
              <NewButton />
            )
          }
        >
          {isNarrowed
            ? 'Those of a sweep are listed with their sweep.'
            : 'A backtest tells what this desk, with a strategy, its limits and an approver who says yes, would have done on recorded chains. Those of the command line and of Temporal appear here, too.'}
        </EmptyState>
      }
      rowKey={(row) => row.id}
      card={(row) => <BacktestCard row={row} picking={picking} />}
      isAlarming={(row) => row.status === 'FAILED'}
    />
  );
}

function Sweeps() {
  const client = useChosenClient();
  const query = useInfiniteQuery(sweepsQuery({ client: client?.id }));
  return (
    <TableScreen<SweepSummary>
      title="Backtests"
      name="sweeps"
      label="Sweeps"
      query={query}
      columns={SWEEP_COLUMNS}
      controls={
        <>
          <ListChoice />
          <NewButton />
        </>
      }
      empty={
        <EmptyState icon={IconChartHistogram} title="No sweep has been run" action={<NewButton />}>
          A sweep runs one strategy with many settings on the same data. Give a setting several
          values when you start a backtest.
        </EmptyState>
      }
      rowKey={(row) => row.id}
      card={(row) => <SweepCard sweep={row} />}
      isAlarming={(row) => row.status === 'FAILED'}
    />
  );
}

interface StrategyChoiceProps {
  value: string | undefined;
  onChange: (strategy: string | undefined) => void;
}

function StrategyChoice({ value, onChange }: StrategyChoiceProps) {
  const kinds = useQuery(strategyKindsQuery).data ?? [];
  const slugs = [...new Set([...kinds.map((kind) => kind.slug), ...(value ? [value] : [])])];
  if (slugs.length < 2) return null;
  return (
    <NativeSelect
      aria-label="Strategy"
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
      data={[{ value: '', label: 'All strategies' }, ...slugs]}
    />
  );
}
