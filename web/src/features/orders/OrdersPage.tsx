import '@/styles/combobox';
import { Alert, Button, Group, MultiSelect, Stack, Text } from '@mantine/core';
import { IconHelpHexagon, IconSend } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient, useDesk } from '@/client/hooks';
import { ordersQuery } from '@/client/queries';
import type { OrderRow, OrderState } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { AccountFilter } from '@/components/AccountFilter';
import { EmptyState } from '@/components/EmptyState';
import { Quantity } from '@/components/Figures';
import { OrderPrice } from '@/components/order/OrderPrice';
import { TableScreen } from '@/components/TableScreen';
import { TradedFilter } from '@/components/TradedFilter';
import { isPackage } from '@/lib/package';
import { stateWord } from '@/lib/states';
import { ORDER_COLUMNS, OrderLink, OrderStateCell, RecommendationLink, verbOf } from './columns';
import { ALL_ORDER_STATES, type OrdersSearch } from './search';

const route = getRouteApi('/desk/orders');

const STATE_CHOICES = ALL_ORDER_STATES.map((state) => ({ value: state, label: stateWord(state) }));

/** Every attempt at the broker, the newest first. */
export function OrdersPage() {
  const { state, account, symbol, since, until } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const filters = { client: client?.id, account, state, symbol, since, until };
  const query = useInfiniteQuery(ordersQuery(filters));
  const change = (changes: OrdersSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });
  const isNarrowed = [state, account, symbol, since, until].some((each) => each !== undefined);

  return (
    <TableScreen<OrderRow>
      title="Orders"
      name="orders"
      query={query}
      columns={ORDER_COLUMNS}
      controls={
        <>
          <MultiSelect
            aria-label="States"
            placeholder={state === undefined ? 'All states' : undefined}
            clearable
            w={150}
            value={state ?? []}
            onChange={(states) =>
              change({ state: states.length > 0 ? (states as OrderState[]) : undefined })
            }
            data={STATE_CHOICES}
          />
          <TradedFilter value={{ symbol, since, until }} onChange={change} />
          <AccountFilter value={account} onChange={(id) => change({ account: id })} />
        </>
      }
      notice={
        <UnknownNotice
          onShow={() => change({ state: ['UNKNOWN'] })}
          isShown={state?.join() === 'UNKNOWN'}
        />
      }
      empty={
        <NoOrders
          isNarrowed={isNarrowed}
          onShowAll={() =>
            change({
              state: undefined,
              account: undefined,
              symbol: undefined,
              since: undefined,
              until: undefined,
            })
          }
        />
      }
      rowKey={(order) => order.id}
      card={(order) => <OrderCard order={order} />}
      isAlarming={(order) => order.state === 'UNKNOWN' || order.state === 'QUARANTINE'}
    />
  );
}

function UnknownNotice({ onShow, isShown }: { onShow: () => void; isShown: boolean }) {
  const unknown = useDesk()?.counts.unknown_orders ?? 0;
  if (unknown === 0) return null;
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconHelpHexagon aria-hidden />}
      title={unknown === 1 ? 'One order is UNKNOWN' : `${unknown} orders are UNKNOWN`}
      styles={{ root: { background: 'var(--danger-bg)' }, title: { color: 'var(--danger-fg)' } }}
    >
      <Group justify="space-between">
        <Text size="sm">
          Sent or perhaps sent, and not proven either way. The desk keeps looking and never sends
          again; each order shows the evidence.
        </Text>
        {!isShown && (
          <Button size="xs" variant="default" onClick={onShow}>
            Show only these
          </Button>
        )}
      </Group>
    </Alert>
  );
}

function OrderCard({ order }: { order: OrderRow }) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text component="div" size="sm">
          {!isPackage(order.legs) && (
            <>
              {verbOf(order)} <Quantity value={order.quantity} />{' '}
            </>
          )}
          <OrderLink order={order} />
        </Text>
        <div>
          <OrderStateCell order={order} />
        </div>
      </Group>
      <Text component="div" size="sm">
        <Quantity value={order.filled_quantity} /> of <Quantity value={order.quantity} /> filled ·
        limit <OrderPrice order={order} price={order.limit_price} />
        {order.average_price !== null && (
          <>
            {' '}
            · average <OrderPrice order={order} price={order.average_price} />
          </>
        )}
      </Text>
      <Group justify="space-between">
        <AccountCell account={order.account} />
        <RecommendationLink order={order} />
      </Group>
    </Stack>
  );
}

function NoOrders({ isNarrowed, onShowAll }: { isNarrowed: boolean; onShowAll: () => void }) {
  if (isNarrowed) {
    return (
      <EmptyState
        icon={IconSend}
        title="No orders like these"
        action={
          <Button variant="default" onClick={onShowAll}>
            Show all orders
          </Button>
        }
      >
        Other states, another underlying, account or days may have some.
      </EmptyState>
    );
  }
  return (
    <EmptyState icon={IconSend} title="No orders yet">
      An order is made when a recommendation is approved. Nothing is ever sent without one.
    </EmptyState>
  );
}
