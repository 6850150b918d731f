import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { IconGavel } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import type { OutcomeRow } from '@/client/schema';
import { EmptyState } from '@/components/EmptyState';
import { SignedMoney } from '@/components/Figures';
import { FilteredTable } from '@/components/FilteredTable';
import { Pages } from '@/components/Pages';
import { useAllPages } from '@/components/pages';
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
  const { decision, strategy, approver, filter, sort } = route.useSearch();
  const query = useInfiniteQuery(outcomesQuery({ client, account, decision, strategy, approver }));
  useAllPages(query, filter !== undefined || sort !== undefined);
  return (
    <Pages query={query} empty={<Nothing />}>
      {(rows) => (
        <Stack gap="md">
          <Judgements rows={rows} />
          <FilteredTable
            name="decisions"
            label="Decisions"
            columns={OUTCOME_COLUMNS}
            rows={rows}
            rowKey={(row) => row.id}
            controls={<Narrowing rows={rows} />}
            card={(row) => <OutcomeCard row={row} />}
          />
        </Stack>
      )}
    </Pages>
  );
}

function OutcomeCard({ row }: { row: OutcomeRow }) {
  return (
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

/** Which decisions, of which strategy, by whom. */
function Narrowing({ rows }: { rows: readonly OutcomeRow[] }) {
  const { decision, strategy, approver } = route.useSearch();
  const navigate = route.useNavigate();
  const change = (changes: Record<string, string | undefined>) =>
    void navigate({ search: (before) => ({ ...before, ...changes }), replace: true });
  const strategies = new Map(rows.map((row) => [row.strategy.instance_id, row.strategy.name]));
  const approvers = new Map(rows.map((row) => [row.approver_id, row.approver]));
  return (
    <>
      <NativeSelect
        aria-label="Decision"
        value={decision ?? ''}
        onChange={(event) => change({ decision: event.currentTarget.value || undefined })}
        data={[
          { value: '', label: 'All decisions' },
          { value: 'APPROVE', label: 'Approved' },
          { value: 'REJECT', label: 'Rejected' },
        ]}
      />
      <Choice
        label="Strategy"
        all="All strategies"
        value={strategy}
        named={strategies}
        onChange={(id) => change({ strategy: id })}
      />
      <Choice
        label="Approver"
        all="Everybody"
        value={approver}
        named={approvers}
        onChange={(id) => change({ approver: id })}
      />
    </>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  value: string | undefined;
  named: ReadonlyMap<string, string>;
  onChange: (id: string | undefined) => void;
}

/** One of those that occur; nothing to choose where there is one only. */
function Choice({ label, all, value, named, onChange }: ChoiceProps) {
  if (named.size < 2 && value === undefined) return null;
  return (
    <NativeSelect
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
      data={[
        { value: '', label: all },
        ...[...named].map(([id, name]) => ({ value: id, label: name })),
      ]}
    />
  );
}

function Nothing() {
  const { decision, strategy, approver } = route.useSearch();
  const navigate = route.useNavigate();
  const isNarrowed = [decision, strategy, approver].some((each) => each !== undefined);
  const showAll = () =>
    void navigate({
      search: (before) => ({
        ...before,
        decision: undefined,
        strategy: undefined,
        approver: undefined,
      }),
      replace: true,
    });
  return (
    <div className="panel">
      <EmptyState
        icon={IconGavel}
        title={isNarrowed ? 'No decisions like these' : 'Nobody has decided anything yet'}
        action={
          isNarrowed && (
            <Button variant="default" onClick={showAll}>
              Show all decisions
            </Button>
          )
        }
      >
        Every approval and every rejection stays here with what its trade would have come to.
      </EmptyState>
    </div>
  );
}
