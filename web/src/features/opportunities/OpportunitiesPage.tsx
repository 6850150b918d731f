import { Button, NativeSelect } from '@mantine/core';
import { IconListSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import type { OpportunityRow } from '@/client/schema';
import { EmptyState } from '@/components/EmptyState';
import { OpportunityCard } from '@/components/opportunity/OpportunityCard';
import { TableScreen } from '@/components/TableScreen';
import { OPPORTUNITY_COLUMNS, OpportunityLink, Verdict } from './columns';
import { Findings } from './Findings';
import { findingsQuery, opportunitiesQuery } from './queries';
import { ACTIONS, type OpportunitiesSearch, SHOWN } from './search';

const route = getRouteApi('/desk/opportunities');

const RECOMMENDED = { all: undefined, recommended: true, 'not-recommended': false } as const;
const SHOWN_WORDS = {
  all: 'All that qualify',
  recommended: 'Recommended',
  'not-recommended': 'Not recommended',
} as const;
const ACTION_WORDS = { OPEN: 'To open', ROLL: 'To roll', CLOSE: 'To close' } as const;

/** Every contract that came through its strategy's rules at the last look, with all its figures. */
export function OpportunitiesPage() {
  const search = route.useSearch();
  const { strategy, run, action, show = 'all' } = search;
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(
    opportunitiesQuery({
      client: client?.id,
      strategy,
      run,
      action,
      recommended: RECOMMENDED[show],
    }),
  );
  const change = (changes: OpportunitiesSearch) =>
    void navigate({ search: (before) => ({ ...before, ...changes }), replace: true });
  const isNarrowed = [strategy, run, action, search.show].some((each) => each !== undefined);
  const showAll = () =>
    change({ strategy: undefined, run: undefined, action: undefined, show: undefined });
  return (
    <TableScreen<OpportunityRow>
      title="Opportunities"
      name="opportunities"
      query={query}
      columns={OPPORTUNITY_COLUMNS}
      controls={
        <>
          <StrategyFilter
            client={client?.id}
            value={strategy}
            onChange={(id) => change({ strategy: id, run: undefined })}
          />
          <NativeSelect
            aria-label="Kind of trade"
            value={action ?? ''}
            onChange={(event) =>
              change({ action: (event.currentTarget.value || undefined) as never })
            }
            data={[
              { value: '', label: 'All trades' },
              ...ACTIONS.map((each) => ({ value: each, label: ACTION_WORDS[each] })),
            ]}
          />
          <NativeSelect
            aria-label="Recommended or not"
            value={show}
            onChange={(event) => change({ show: event.currentTarget.value as never })}
            data={SHOWN.map((each) => ({ value: each, label: SHOWN_WORDS[each] }))}
          />
          {run !== undefined && (
            <Button variant="default" onClick={() => change({ run: undefined })}>
              One run only ✕
            </Button>
          )}
        </>
      }
      notice={<Findings client={client?.id} strategy={strategy} run={run} />}
      empty={
        <EmptyState
          icon={IconListSearch}
          title={isNarrowed ? 'No opportunities like these' : 'Nothing has been found yet'}
          action={
            isNarrowed && (
              <Button variant="default" onClick={showAll}>
                Show all
              </Button>
            )
          }
        >
          {isNarrowed
            ? 'The last runs found no contract of that kind. What they left out, and why, is above.'
            : 'Contracts appear here after a strategy has run while its market was open.'}
        </EmptyState>
      }
      rowKey={(row) => row.id}
      card={(row) => (
        <OpportunityCard found={row} title={<OpportunityLink row={row} />}>
          {row.recommended && <Verdict row={row} />}
        </OpportunityCard>
      )}
    />
  );
}

interface StrategyFilterProps {
  client: string | undefined;
  value: string | undefined;
  onChange: (strategy: string | undefined) => void;
}

function StrategyFilter({ client, value, onChange }: StrategyFilterProps) {
  const runs = useQuery(findingsQuery({ client, strategy: undefined, run: undefined })).data ?? [];
  const strategies = new Map(runs.map((run) => [run.strategy.instance_id, run.strategy.name]));
  if (strategies.size < 2 && value === undefined) return null;
  return (
    <NativeSelect
      aria-label="Strategy"
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
      data={[
        { value: '', label: 'All strategies' },
        ...[...strategies].map(([id, name]) => ({ value: id, label: name })),
      ]}
    />
  );
}
