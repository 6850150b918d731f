import { Button, Group, NativeSelect, Skeleton, Stack, Text } from '@mantine/core';
import { IconGavel } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { DecisionAction, OutcomeRow } from '@/client/schema';
import { EmptyState } from '@/components/EmptyState';
import { SignedMoney } from '@/components/Figures';
import { FilteredTable } from '@/components/FilteredTable';
import { ProblemNotice } from '@/components/ProblemNotice';
import { DecisionTag, OUTCOME_COLUMNS, OutcomeLink, Since } from './columns';
import styles from './journal.module.css';
import { outcomesQuery } from './queries';
import { judged } from './sums';

const route = getRouteApi('/desk/journal');

interface DecisionsProps {
  client: string | undefined;
  account: string | undefined;
}

/** What was approved, what was not, and what each trade would have come to had it been held. */
export function Decisions({ client, account }: DecisionsProps) {
  const { decision, strategy, approver } = route.useSearch();
  const query = useInfiniteQuery(outcomesQuery({ client, account, decision, strategy, approver }));
  if (query.isError) {
    return (
      <ProblemNotice
        error={query.error}
        onRetry={() => void query.refetch()}
        isRetrying={query.isFetching}
      />
    );
  }
  if (query.isPending) return <Skeleton height={420} />;
  const rows = query.data.pages.flatMap((page) => page.items);
  return (
    <Stack gap="md">
      {rows.length === 0 ? (
        <Nothing />
      ) : (
        <>
          <Judgements rows={rows} />
          <FilteredTable
            name="decisions"
            label="Decisions"
            columns={OUTCOME_COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            controls={<DecisionChoice />}
            card={(row) => (
              <Stack gap={4}>
                <Group justify="space-between" wrap="nowrap" align="flex-start">
                  <OutcomeLink row={row} />
                  <SignedMoney value={row.result} />
                </Group>
                <Group gap="xs">
                  <DecisionTag row={row} />
                  <Text size="xs" c="dimmed">
                    {row.approver}
                  </Text>
                  <Since row={row} />
                </Group>
              </Stack>
            )}
          />
        </>
      )}
      {query.hasNextPage && (
        <Button
          variant="default"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Earlier decisions
        </Button>
      )}
    </Stack>
  );
}

const JUDGED = [
  { decision: 'APPROVE', title: 'Approved', right: 'gained' },
  { decision: 'REJECT', title: 'Rejected', right: 'would have lost' },
] as const;

function Judgements({ rows }: { rows: readonly OutcomeRow[] }) {
  return (
    <dl className={styles.totals}>
      {JUDGED.map(({ decision, title, right }) => {
        const found = judged(rows, decision);
        if (found.decisions === 0) return null;
        return (
          <div key={decision} className="panel">
            <dt>
              {title}, of the {found.decisions} listed
            </dt>
            <dd>
              <SignedMoney value={found.result} /> if held
              <small>
                {found.marked} looked at since; {found.right} {right}
              </small>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

function DecisionChoice() {
  const { decision } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <NativeSelect
      aria-label="Decision"
      value={decision ?? ''}
      onChange={(event) => {
        const chosen = (event.currentTarget.value || undefined) as DecisionAction | undefined;
        void navigate({
          search: (before) => ({ ...before, decision: chosen as never }),
          replace: true,
        });
      }}
      data={[
        { value: '', label: 'All decisions' },
        { value: 'APPROVE', label: 'Approved' },
        { value: 'REJECT', label: 'Rejected' },
      ]}
    />
  );
}

function Nothing() {
  const { decision } = route.useSearch();
  return (
    <div className="panel">
      <EmptyState
        icon={IconGavel}
        title={
          decision === undefined ? 'Nobody has decided anything yet' : 'No decisions like these'
        }
        action={decision !== undefined && <DecisionChoice />}
      >
        Every approval and every rejection stays here with what its trade would have come to.
      </EmptyState>
    </div>
  );
}
