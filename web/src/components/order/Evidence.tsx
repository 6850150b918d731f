import { Alert, Stack, Text } from '@mantine/core';
import { IconHelpHexagon } from '@tabler/icons-react';
import type { OrderRow } from '@/client/schema';

/** Why an order stands where it does; for an unproven one, what speaks for and against it. */
export function Evidence({ order }: { order: OrderRow }) {
  if (order.state === 'UNKNOWN') return <Unproven order={order} />;
  // Whether a cancelled attempt is followed by another one is for the recommendation to say.
  const advice = order.state === 'CANCELLED' ? null : order.advice;
  if (order.reason === '' && advice === null) return null;
  return (
    <Text size="sm">
      {[order.reason, advice].filter(Boolean).join('. ')}
      {order.reason_code !== null && (
        <Text span size="xs" c="dimmed" ff="monospace">
          {' '}
          {order.reason_code}
        </Text>
      )}
    </Text>
  );
}

function Unproven({ order }: { order: OrderRow }) {
  const looks =
    order.absent_looks === 1 ? '1 complete look' : `${order.absent_looks} complete looks`;
  const permId =
    order.perm_id === null ? 'No permId was ever seen.' : `permId ${order.perm_id} was seen.`;
  return (
    <Alert
      icon={<IconHelpHexagon aria-hidden />}
      title="Sent or perhaps sent: nothing is proven yet"
      color="red"
      variant="outline"
      styles={{ root: { background: 'var(--danger-bg)' }, title: { color: 'var(--danger-fg)' } }}
    >
      <Stack gap={4}>
        {order.reason !== '' && <Text size="sm">{order.reason}.</Text>}
        <Text size="sm">
          {looks} at the broker’s open orders, completed orders and executions did not find it.{' '}
          {permId} The desk keeps looking and never sends it again.
        </Text>
        {!order.may_declare_not_sent && (
          <Text size="sm">
            Once enough looks agree, an operator may declare it not sent; a fill found in the
            meantime settles it by itself.
          </Text>
        )}
        {order.advice !== null && (
          <Text size="sm" fw={600}>
            {order.advice}
          </Text>
        )}
      </Stack>
    </Alert>
  );
}
