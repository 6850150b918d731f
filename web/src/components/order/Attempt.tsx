import { Anchor, Group, Stack, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { OrderWithExecutions } from '@/client/schema';
import { Quantity } from '@/components/Figures';
import { StateTag } from '@/components/Tag';
import { ORDER_STATES } from '@/lib/states';
import styles from './Attempt.module.css';
import { Evidence } from './Evidence';
import { ExecutionsOfOrder } from './ExecutionsOfOrder';
import { OrderActions } from './OrderActions';
import { OrderPrice } from './OrderPrice';

interface AttemptProps {
  order: OrderWithExecutions;
  /** The attempt that took over from this one. */
  next: OrderWithExecutions | undefined;
}

/** One attempt at the broker, with its fills and what may be done to it. */
export function Attempt({ order, next }: AttemptProps) {
  return (
    <article
      className={styles.attempt}
      data-state={order.state}
      aria-label={`Attempt ${order.attempt}`}
    >
      <Stack gap="xs">
        <Group justify="space-between">
          <Group gap="xs">
            <StateTag state={order.state} words={ORDER_STATES} />
            <Text component="span" size="sm" className="numeric">
              <Quantity value={order.filled_quantity} /> of <Quantity value={order.quantity} />{' '}
              filled
              {order.average_price !== null && (
                <>
                  {' '}
                  at <OrderPrice order={order} price={order.average_price} />
                </>
              )}
            </Text>
          </Group>
          <Group gap="sm">
            <Text component="span" size="sm" c="dimmed">
              Attempt {order.attempt}, limit <OrderPrice order={order} price={order.limit_price} />
            </Text>
            <Anchor component={Link} to="/orders/$id" params={{ id: order.id } as never} size="sm">
              Order details
            </Anchor>
          </Group>
        </Group>
        <Evidence order={order} />
        {next !== undefined && (
          <Text size="sm" c="dimmed">
            Not filled in time: attempt {next.attempt} went on at{' '}
            <OrderPrice order={next} price={next.limit_price} />.
          </Text>
        )}
        <ExecutionsOfOrder executions={order.executions} legs={order.legs} />
        <OrderActions order={order} />
      </Stack>
    </article>
  );
}
