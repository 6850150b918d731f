import { Group, Loader, Text } from '@mantine/core';
import type { RecommendationDetail } from '@/client/schema';
import { Attempt } from '@/components/order/Attempt';
import { Section } from '@/components/Section';

/** The attempts at the broker under one approval, the latest first. */
export function OrderLife({ detail }: { detail: RecommendationDetail }) {
  if (detail.orders.length === 0 && detail.state !== 'APPROVED') return null;
  const attempts = [...detail.orders].sort((a, b) => b.attempt - a.attempt);
  return (
    <Section title={attempts.length > 1 ? `Order, ${attempts.length} attempts` : 'Order'}>
      {attempts.length === 0 ? (
        <Group gap="sm" wrap="nowrap">
          <Loader size="sm" aria-hidden />
          <Text size="sm">
            Approved. The quote, the account and the controls are checked again; then the order is
            sent.
          </Text>
        </Group>
      ) : (
        attempts.map((order, index) => (
          <Attempt key={order.id} order={order} next={attempts[index - 1]} />
        ))
      )}
    </Section>
  );
}
