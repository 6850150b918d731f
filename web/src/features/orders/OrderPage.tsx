import { Anchor, Group, Stack, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { orderQuery } from '@/client/queries';
import type { OrderDetail, OrderEventRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { DetailScreen } from '@/components/DetailScreen';
import { Facts } from '@/components/Facts';
import { Price, Quantity } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import { Evidence } from '@/components/order/Evidence';
import { ExecutionsOfOrder } from '@/components/order/ExecutionsOfOrder';
import { OrderActions } from '@/components/order/OrderActions';
import { OrderPrice } from '@/components/order/OrderPrice';
import { PageTitle } from '@/components/PageTitle';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { Timeline } from '@/components/Timeline';
import { NOT_KNOWN } from '@/lib/numbers';
import { ORDER_STATES, stateWord } from '@/lib/states';

const route = getRouteApi('/desk/orders/$id');

/** One attempt at the broker: where it stands, what proves it, and what may be done. */
export function OrderPage() {
  const { id } = route.useParams();
  const query = useQuery(orderQuery(id));
  return (
    <DetailScreen query={query} back={{ to: '/orders', label: 'Orders' }} width="narrow">
      {(order) => <Order order={order} />}
    </DetailScreen>
  );
}

function Order({ order }: { order: OrderDetail }) {
  return (
    <>
      <Stack gap={6}>
        <PageTitle>{order.trade}</PageTitle>
        <Group gap="xs">
          <span role="status">
            <StateTag state={order.state} words={ORDER_STATES} />
          </span>
          <AccountCell account={order.account} />
          <Text component="span" size="sm" c="dimmed">
            Attempt {order.attempt}
          </Text>
          <Anchor
            component={Link}
            to="/recommendations/$id"
            params={{ id: order.recommendation_id } as never}
            size="sm"
          >
            Recommendation
          </Anchor>
          <Anchor href={order.workflow_url} target="_blank" rel="noreferrer" size="sm">
            Open in Temporal Web <IconExternalLink size={13} aria-hidden />
          </Anchor>
        </Group>
      </Stack>
      <Evidence order={order} />
      <OrderActions order={order} />
      <Section title="Order">
        <Facts facts={factsOf(order)} />
      </Section>
      <Section title="Executions">
        {order.executions.length === 0 ? (
          <Text size="sm">Nothing has been executed.</Text>
        ) : (
          <ExecutionsOfOrder executions={order.executions} legs={order.legs} />
        )}
      </Section>
      <Section title="Evidence">
        <Timeline steps={order.events.map(stepOf)} />
      </Section>
    </>
  );
}

function factsOf(order: OrderDetail) {
  return [
    {
      label: 'Filled',
      value: (
        <>
          <Quantity value={order.filled_quantity} /> of <Quantity value={order.quantity} />
        </>
      ),
    },
    { label: 'Average price', value: <OrderPrice order={order} price={order.average_price} /> },
    { label: 'Limit per share', value: <OrderPrice order={order} price={order.limit_price} /> },
    { label: 'Time in force', value: order.tif },
    { label: 'Commission', value: <Price value={order.commission_total} /> },
    { label: 'Last broker status', value: order.broker_status ?? NOT_KNOWN },
    { label: 'permId', value: order.perm_id ?? NOT_KNOWN },
    { label: 'Broker order id', value: order.broker_order_id ?? NOT_KNOWN },
    { label: 'Sent', value: order.sent_at === null ? NOT_KNOWN : <Moment at={order.sent_at} /> },
    {
      label: 'Acknowledged',
      value: order.acknowledged_at === null ? NOT_KNOWN : <Moment at={order.acknowledged_at} />,
    },
    { label: 'Ended', value: order.ended_at === null ? NOT_KNOWN : <Moment at={order.ended_at} /> },
    {
      label: 'Order key, sent as orderRef',
      isWide: true,
      value: <span style={{ overflowWrap: 'anywhere' }}>{order.order_key}</span>,
    },
  ];
}

function stepOf(event: OrderEventRow) {
  const kind = event.kind.replaceAll('_', ' ');
  const moved = event.state_after !== null && event.state_after !== event.state_before;
  const move = moved ? ` → ${stateWord(event.state_after ?? '')}` : '';
  const facts = flat(event.payload)
    .filter(([name, value]) => name !== 'kind' && value !== null && value !== '')
    .map(([name, value]) => `${BROKER_WORDS[name] ?? name.replaceAll('_', ' ')} ${value}`);
  return {
    key: event.id,
    at: event.at,
    title: `${kind.charAt(0).toUpperCase()}${kind.slice(1)}${move}`,
    detail: facts.join(', '),
  };
}

/** The facts of a piece of evidence, those of its parts among them. */
function flat(payload: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(payload).flatMap(([name, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value as Record<string, unknown>)
      : [[name, value]],
  );
}

const BROKER_WORDS: Readonly<Record<string, string>> = {
  client_id: 'clientId',
  con_id: 'conId',
  exec_id: 'execId',
  order_ref: 'orderRef',
  perm_id: 'permId',
};
