import { Group, Skeleton, Stack, Text } from '@mantine/core';
import { IconReceipt } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { BacktestDetail, BacktestTable } from '@/client/schema';
import { moneyColumn, priceColumn, quantityColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { Failure } from '@/components/Failure';
import { Quantity, SignedMoney } from '@/components/Figures';
import { FilteredTable } from '@/components/FilteredTable';
import { formatCount, formatSignedPercent } from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import { exitWords } from './figures';
import { tableQuery } from './queries';

interface Trade {
  id: string;
  description: string;
  opened: string;
  closed: string | null;
  quantity: string;
  openPrice: string;
  closePrice: string;
  commission: string;
  result: string;
  returnOnRisk: number | null;
  days: number;
  exit: string;
}

/** Every position from its opening to its end. */
export function Trades({ run }: { run: BacktestDetail }) {
  const query = useQuery(tableQuery(run.id, 'trades'));
  const trades = useMemo(
    () => (query.data === undefined ? [] : tradesOf(query.data)),
    [query.data],
  );
  if (query.isError) return <Failure query={query} />;
  if (query.isPending) return <Skeleton height={360} />;
  if (trades.length === 0) {
    return (
      <div className="panel">
        <EmptyState icon={IconReceipt} title="No trades">
          Nothing passed the strategy’s rules on this data, or the controls refused all of it. What
          was refused is in the report.
        </EmptyState>
      </div>
    );
  }
  return (
    <FilteredTable
      name="backtest-trades"
      label="Trades"
      columns={TRADE_COLUMNS}
      rows={trades}
      rowKey={(trade) => trade.id}
      card={(trade) => <TradeCard trade={trade} />}
    />
  );
}

function tradesOf({ columns, rows }: BacktestTable): Trade[] {
  const place = new Map(columns.map((name, index) => [name, index]));
  return rows.map((row, index) => {
    const of = (name: string) => row[place.get(name) ?? -1];
    const words = (name: string) => String(of(name) ?? '');
    const number = (name: string) => (typeof of(name) === 'number' ? Number(of(name)) : null);
    return {
      id: String(index),
      description: words('description'),
      opened: words('opened_at').slice(0, 10),
      closed: of('closed_at') === null ? null : words('closed_at').slice(0, 10),
      quantity: words('quantity'),
      openPrice: words('open_price'),
      closePrice: words('close_price'),
      commission: words('commission'),
      result: words('result'),
      returnOnRisk: number('return_on_risk'),
      days: number('days') ?? 0,
      exit: words('exit_rule'),
    };
  });
}

const TRADE_COLUMNS: readonly Column<Trade>[] = [
  {
    id: 'opened',
    header: 'Opened',
    kind: 'text',
    value: (trade) => trade.opened,
    cell: (trade) => formatDate(trade.opened),
  },
  { id: 'description', header: 'Contract', kind: 'text', value: (trade) => trade.description },
  quantityColumn('quantity', 'Qty', (trade) => trade.quantity),
  priceColumn('openPrice', 'Opened at', (trade) => trade.openPrice, 'Average price per share'),
  priceColumn('closePrice', 'Ended at', (trade) => trade.closePrice),
  priceColumn('commission', 'Commission', (trade) => trade.commission),
  moneyColumn('result', 'Result', (trade) => trade.result, 'After commissions'),
  {
    id: 'ror',
    header: 'On risk',
    hint: 'Result over the capital it tied up',
    kind: 'number',
    value: (trade) => trade.returnOnRisk,
    cell: (trade) => formatSignedPercent(trade.returnOnRisk),
  },
  { id: 'days', header: 'Days', kind: 'number', value: (trade) => trade.days },
  {
    id: 'exit',
    header: 'Ended by',
    kind: 'text',
    value: (trade) => exitWords(trade.exit),
  },
  {
    id: 'closed',
    header: 'Ended',
    kind: 'text',
    value: (trade) => trade.closed,
    cell: (trade) => (trade.closed === null ? 'open' : formatDate(trade.closed)),
  },
];

function TradeCard({ trade }: { trade: Trade }) {
  return (
    <Stack gap={4}>
      <Group justify="space-between" wrap="nowrap">
        <strong>
          <Quantity value={trade.quantity} /> {trade.description}
        </strong>
        <SignedMoney value={trade.result} />
      </Group>
      <Text size="sm" c="dimmed">
        {formatDate(trade.opened)} · {formatCount(trade.days)} days · {exitWords(trade.exit)}
      </Text>
    </Stack>
  );
}
