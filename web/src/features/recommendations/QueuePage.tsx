import '@/styles/segmentedControl';
import { SegmentedControl } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Suspense, useMemo, useState } from 'react';
import { useChosenClient } from '@/client/hooks';
import { recommendationsQuery } from '@/client/queries';
import { AccountFilter } from '@/components/AccountFilter';
import { lazyPart } from '@/components/lazyPart';
import { TableScreen } from '@/components/TableScreen';
import { DECIDE_COLUMNS, FOLLOW_COLUMNS, type Row } from './columns';
import { QueueCard } from './QueueCard';
import { type QueueSearch, STATES_OF, type View } from './search';
import { SelectBox, selectColumn } from './selection';

// Seldom all there is, and the first load is short of room.
const NoRecommendations = lazyPart(() => import('./NoRecommendations'));
const SelectionBar = lazyPart(() => import('./SelectionBar'));
const BulkRejectDialog = lazyPart(() => import('./BulkRejectDialog'));

const NONE: ReadonlySet<string> = new Set();

const route = getRouteApi('/desk/recommendations');

const VIEW_LABELS: { value: View; label: string }[] = [
  { value: 'decide', label: 'To decide' },
  { value: 'working', label: 'Under way' },
  { value: 'closed', label: 'Closed' },
  { value: 'all', label: 'All' },
];

/** The recommendations by deadline, the next to be decided first. */
export function QueuePage() {
  const { show = 'decide', account } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(
    recommendationsQuery({ client: client?.id, account, state: STATES_OF[show] }),
  );
  const change = (changes: QueueSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });
  const columns = show === 'decide' ? DECIDE_COLUMNS : FOLLOW_COLUMNS;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(NONE);
  const chosenOf = (rows: Row[]) => rows.filter((row) => chosen.has(row.id));
  // Beside the list: what became of the last ones is told when the list is empty, too.
  const [asked, setAsked] = useState<Row[]>();
  const selection = useMemo(
    () => ({
      chosen,
      toggle: (id: string) =>
        setChosen((before) => {
          const after = new Set(before);
          if (!after.delete(id)) after.add(id);
          return after;
        }),
    }),
    [chosen],
  );
  const isDeciding = show === 'decide';
  const drawn = useMemo(
    () => (isDeciding ? [selectColumn(selection), ...DECIDE_COLUMNS] : FOLLOW_COLUMNS),
    [isDeciding, selection],
  );

  return (
    <>
      <TableScreen<Row>
        title="Recommendations"
        name="recommendations"
        query={query}
        columns={columns}
        drawn={drawn}
        onRowCommand={(act, id) =>
          void navigate({ to: '/recommendations/$id', params: { id }, search: { act } })
        }
        controls={
          <>
            <SegmentedControl
              aria-label="Which recommendations"
              value={show}
              onChange={(value) => change({ show: value as View })}
              data={VIEW_LABELS}
            />
            <AccountFilter value={account} onChange={(id) => change({ account: id })} />
          </>
        }
        empty={
          <Suspense>
            <NoRecommendations
              view={show}
              account={account}
              onShowAll={() => change({ show: 'all' })}
            />
          </Suspense>
        }
        rowKey={(row) => row.id}
        card={(row) => (
          <QueueCard
            row={row}
            select={isDeciding && <SelectBox row={row} selection={selection} />}
          />
        )}
        isAlarming={(row) => row.order_state === 'UNKNOWN' || row.order_state === 'QUARANTINE'}
        above={(rows) =>
          isDeciding &&
          chosen.size > 0 && (
            <Suspense>
              <SelectionBar
                selected={chosenOf(rows).length}
                shown={rows.length}
                onReject={() => setAsked(chosenOf(rows))}
                onSelectAll={() => setChosen(new Set(rows.map((row) => row.id)))}
                onClear={() => setChosen(NONE)}
              />
            </Suspense>
          )
        }
      />
      {asked !== undefined && (
        <Suspense>
          <BulkRejectDialog
            rows={asked}
            onClose={() => {
              setAsked(undefined);
              setChosen(NONE);
            }}
          />
        </Suspense>
      )}
    </>
  );
}
