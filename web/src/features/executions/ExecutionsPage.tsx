import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { IconReceipt } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useRef } from 'react';
import { useChosenClient } from '@/client/hooks';
import { executionsQuery } from '@/client/queries';
import type { ExecutionRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { AccountFilter } from '@/components/AccountFilter';
import type { Column } from '@/components/columns';
import { DataTable } from '@/components/DataTable';
import { EmptyState } from '@/components/EmptyState';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
import { ListScreen } from '@/components/ListScreen';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { useAddressSorting } from '@/components/sorting';
import { Tag } from '@/components/Tag';
import { useListKeys } from '@/components/useListKeys';
import type { ExecutionsSearch } from './search';

const route = getRouteApi('/desk/executions');

/** Every fill the broker reported, the newest first, linked to the order it belongs to. */
export function ExecutionsPage() {
  const { account, order, filter = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(executionsQuery({ client: client?.id, account, order }));
  const sorting = useAddressSorting();
  const list = useRef<HTMLDivElement>(null);
  const filterInput = useRef<HTMLInputElement>(null);
  useListKeys({ list, filter: filterInput });
  const change = (changes: ExecutionsSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });
  const showAll = (
    <Button variant="default" onClick={() => change({ account: undefined, order: undefined })}>
      Show all executions
    </Button>
  );

  return (
    <ListScreen<ExecutionRow>
      title="Executions"
      query={query}
      columns={COLUMNS}
      table="executions"
      filter={filter}
      onFilter={(text) => change({ filter: text || undefined })}
      filterRef={filterInput}
      controls={
        <>
          {order !== undefined && showAll}
          <AccountFilter value={account} onChange={(id) => change({ account: id })} />
        </>
      }
      empty={
        <EmptyState
          icon={IconReceipt}
          title="No executions"
          action={account !== undefined || order !== undefined ? showAll : undefined}
        >
          Fills appear here the moment the broker reports them, also those of trades made outside
          the desk.
        </EmptyState>
      }
    >
      {(rows) => (
        <DataTable
          label="Executions"
          columns={COLUMNS}
          rows={rows}
          rowKey={(execution) => execution.id}
          card={(execution) => <ExecutionCard execution={execution} />}
          listRef={list}
          name="executions"
          sorting={sorting}
        />
      )}
    </ListScreen>
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
    <Anchor
      component={Link}
      to="/recommendations/$id"
      params={{ id: execution.recommendation_id } as never}
      size="sm"
      style={{ position: 'relative', zIndex: 1 }}
    >
      Recommendation
    </Anchor>
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
  {
    id: 'executed',
    header: 'Executed',
    kind: 'text',
    value: (execution) => execution.executed_at,
    cell: (execution) => <Moment at={execution.executed_at} clock="market" />,
  },
  { id: 'side', header: 'Side', kind: 'text', value: (execution) => execution.side },
  {
    id: 'contract',
    header: 'Contract',
    kind: 'text',
    value: contractOf,
    cell: (execution) => <Contract execution={execution} />,
  },
  {
    id: 'quantity',
    header: 'Qty',
    kind: 'decimal',
    value: (execution) => execution.quantity,
    cell: (execution) => <Quantity value={execution.quantity} />,
  },
  {
    id: 'price',
    header: 'Price',
    hint: 'Per share',
    kind: 'decimal',
    value: (execution) => execution.price,
    cell: (execution) => <Price value={execution.price} />,
  },
  {
    id: 'commission',
    header: 'Commission',
    kind: 'decimal',
    value: (execution) => execution.commission,
    cell: (execution) => <Price value={execution.commission} />,
  },
  {
    id: 'realized',
    header: 'Realised P&L',
    kind: 'decimal',
    value: (execution) => execution.realized_pnl,
    cell: (execution) => <SignedMoney value={execution.realized_pnl} />,
  },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: ({ account }) => `${account.label} ${account.kind}`,
    cell: (execution) => <AccountCell account={execution.account} />,
  },
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
