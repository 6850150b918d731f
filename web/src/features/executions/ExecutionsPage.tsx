import { Button, Group, Stack, Text } from '@mantine/core';
import { IconReceipt } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import { executionsQuery } from '@/client/queries';
import type { ExecutionRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { AccountFilter } from '@/components/AccountFilter';
import {
  accountColumn,
  momentColumn,
  moneyColumn,
  priceColumn,
  quantityColumn,
} from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { Price, Quantity } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { TableScreen } from '@/components/TableScreen';
import { Tag } from '@/components/Tag';
import { TradedFilter } from '@/components/TradedFilter';
import type { ExecutionsSearch } from './search';

const route = getRouteApi('/desk/executions');

/** Every fill the broker reported, the newest first, linked to the order it belongs to. */
export function ExecutionsPage() {
  const { account, order, symbol, since, until } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const filters = { account, order, symbol, since, until };
  const query = useInfiniteQuery(executionsQuery({ client: client?.id, ...filters }));
  const isNarrowed = Object.values(filters).some((each) => each !== undefined);
  const change = (changes: ExecutionsSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });
  const showAll = (
    <Button
      variant="default"
      onClick={() =>
        change({
          account: undefined,
          order: undefined,
          symbol: undefined,
          since: undefined,
          until: undefined,
        })
      }
    >
      Show all executions
    </Button>
  );

  return (
    <TableScreen<ExecutionRow>
      title="Executions"
      name="executions"
      query={query}
      columns={COLUMNS}
      controls={
        <>
          {order !== undefined && showAll}
          <TradedFilter value={{ symbol, since, until }} onChange={change} />
          <AccountFilter value={account} onChange={(id) => change({ account: id })} />
        </>
      }
      empty={
        <EmptyState
          icon={IconReceipt}
          title={isNarrowed ? 'No executions like these' : 'No executions'}
          action={isNarrowed ? showAll : undefined}
        >
          Fills appear here the moment the broker reports them, also those of trades made outside
          the desk.
        </EmptyState>
      }
      rowKey={(execution) => execution.id}
      card={(execution) => <ExecutionCard execution={execution} />}
    />
  );
}

function contractOf(execution: ExecutionRow): string {
  if (execution.is_package) return 'Package of legs, net';
  return execution.contract?.description ?? `conId ${execution.con_id}`;
}

function Contract({ execution }: { execution: ExecutionRow }) {
  if (execution.order_id === null) return <>{contractOf(execution)}</>;
  return (
    <Link to="/orders/$id" params={{ id: execution.order_id }} className={rowLink.link}>
      {contractOf(execution)}
    </Link>
  );
}

function Origin({ execution }: { execution: ExecutionRow }) {
  if (execution.superseded) return <Tag tone="neutral">CORRECTED LATER</Tag>;
  if (execution.external) return <Tag tone="warn">OUTSIDE THE DESK</Tag>;
  if (execution.recommendation_id === null) return null;
  return (
    <Link
      to="/recommendations/$id"
      params={{ id: execution.recommendation_id }}
      className={rowLink.other}
    >
      Recommendation
    </Link>
  );
}

function originOf(execution: ExecutionRow): string {
  if (execution.superseded) return 'corrected later';
  return execution.external ? 'outside the desk' : 'recommendation';
}

function ExecutionCard({ execution }: { execution: ExecutionRow }) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text component="div" size="sm">
          {execution.side === 'SELL' ? 'Sold' : 'Bought'} <Quantity value={execution.quantity} />{' '}
          <Contract execution={execution} /> at <Price value={execution.price} />
        </Text>
        <Text component="div" size="xs" c="dimmed" ta="right">
          <Moment at={execution.executed_at} clock="market" />
        </Text>
      </Group>
      <Group justify="space-between">
        <AccountCell account={execution.account} />
        <Origin execution={execution} />
      </Group>
    </Stack>
  );
}

const COLUMNS: readonly Column<ExecutionRow>[] = [
  momentColumn('executed', 'Executed', (execution) => execution.executed_at, 'market'),
  { id: 'side', header: 'Side', kind: 'text', value: (execution) => execution.side },
  {
    id: 'contract',
    header: 'Contract',
    kind: 'text',
    value: contractOf,
    cell: (execution) => <Contract execution={execution} />,
  },
  quantityColumn('quantity', 'Qty', (execution) => execution.quantity),
  priceColumn('price', 'Price', (execution) => execution.price, 'Per share'),
  priceColumn('commission', 'Commission', (execution) => execution.commission),
  moneyColumn('realized', 'Realised P&L', (execution) => execution.realized_pnl),
  accountColumn(),
  {
    id: 'origin',
    header: 'Origin',
    kind: 'text',
    value: originOf,
    cell: (execution) => <Origin execution={execution} />,
  },
  {
    id: 'exec',
    header: 'execId',
    hint: 'The broker’s id of this fill',
    kind: 'text',
    value: (execution) => execution.exec_id,
    isHidden: true,
  },
];
