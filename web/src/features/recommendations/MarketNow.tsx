import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { RecommendationDetail } from '@/client/schema';
import { nowWords, staleWords } from './drift';
import styles from './MarketNow.module.css';
import { outlookQuery } from './outlookQuery';

/** Whether what is offered is still what the market offers. */
export function MarketNow({ detail }: { detail: RecommendationDetail }) {
  const drift = useQuery(outlookQuery(detail.id)).data?.drift;
  if (drift === undefined) return null;
  const stale = staleWords(detail, drift);
  if (stale !== null) {
    return (
      <Text size="sm" fw={600} className={styles.stale} role="alert">
        {stale}
      </Text>
    );
  }
  const now = nowWords(detail, drift);
  return now === null ? null : (
    <Text size="sm" c="dimmed">
      {now}
    </Text>
  );
}
