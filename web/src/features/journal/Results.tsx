import { Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconNotebook } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { Journal } from '@/client/schema';
import { EmptyState } from '@/components/EmptyState';
import { Failure } from '@/components/Failure';
import { Quantity, SignedMoney } from '@/components/Figures';
import { FilteredTable } from '@/components/FilteredTable';
import { Moment } from '@/components/Moment';
import { CONTRACT_COLUMNS, CYCLE_COLUMNS, contractWords, ELSEWHERE } from './columns';
import styles from './journal.module.css';
import { journalQuery } from './queries';
import { totalsByCurrency } from './sums';
import { Totals } from './Totals';

interface ResultsProps {
  view: 'results' | 'cycles';
  client: string | undefined;
  account: string | undefined;
  since: string | undefined;
}

/** What trading has brought, by contract or by turn of the wheel. */
export function Results({ view, ...filters }: ResultsProps) {
  const query = useQuery(journalQuery(filters));
  if (query.isError) return <Failure query={query} />;
  if (query.isPending) return <Skeleton height={420} />;
  const { contracts, cycles } = query.data;
  if ((view === 'results' ? contracts : cycles).length === 0) {
    return (
      <div className="panel">
        <EmptyState icon={IconNotebook} title="Nothing in the journal">
          {filters.since === undefined
            ? 'Results appear with the first execution, whoever sent the order.'
            : 'Nothing was held or ended since that day. Choose an earlier one.'}
        </EmptyState>
      </div>
    );
  }
  return view === 'results' ? <Contracts journal={query.data} /> : <Cycles journal={query.data} />;
}

function Contracts({ journal }: { journal: Journal }) {
  return (
    <Stack gap="md">
      <dl className={styles.totals}>
        {totalsByCurrency(journal.by_strategy).flatMap(
          ({ currency, realised, unrealised, unpriced }) => [
            <div key={`${currency} realised`} className="panel">
              <dt>Realised</dt>
              <dd>
                <SignedMoney value={realised} unit={currency} />
              </dd>
            </div>,
            <div key={`${currency} unrealised`} className="panel">
              <dt>Unrealised</dt>
              <dd>
                <SignedMoney value={unrealised} unit={currency} />
                {unpriced > 0 && <small>without {unpriced} of unknown value</small>}
              </dd>
            </div>,
          ],
        )}
      </dl>
      <div className={styles.pair}>
        <Totals title="By strategy" totals={journal.by_strategy} />
        <Totals title="By approver" totals={journal.by_approver} />
      </div>
      <FilteredTable
        name="journal"
        label="Contracts"
        columns={CONTRACT_COLUMNS}
        rows={journal.contracts}
        rowKey={(row) => `${row.account.id}${row.con_id}`}
        card={(row) => (
          <Stack gap={4}>
            <Group justify="space-between" wrap="nowrap">
              <strong>{contractWords(row)}</strong>
              <SignedMoney value={row.realised} />
            </Group>
            <Text size="sm" c="dimmed" component="div">
              {row.ended_at === null ? (
                <>
                  <Quantity value={row.quantity} /> held, unrealised{' '}
                  <SignedMoney value={row.unrealised} />
                </>
              ) : (
                <>
                  ended <Moment at={row.ended_at} clock="market" />
                </>
              )}{' '}
              · {row.strategy ?? ELSEWHERE}
            </Text>
          </Stack>
        )}
      />
    </Stack>
  );
}

function Cycles({ journal }: { journal: Journal }) {
  return (
    <FilteredTable
      name="wheel-cycles"
      label="Wheel cycles"
      columns={CYCLE_COLUMNS}
      rows={journal.cycles}
      rowKey={(row) => `${row.account.id}${row.symbol}${row.started_at}`}
      card={(row) => (
        <Stack gap={4}>
          <Group justify="space-between" wrap="nowrap">
            <strong>{row.symbol}</strong>
            <SignedMoney value={row.result} />
          </Group>
          <Text size="sm" c="dimmed" component="div">
            premium <SignedMoney value={row.premium} /> · <Quantity value={row.shares} /> shares ·{' '}
            {row.ended_at === null ? 'open' : 'ended'}
          </Text>
        </Stack>
      )}
    />
  );
}
