import { Button, Group, Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Tag } from '@/components/Tag';
import { stateWord } from '@/lib/states';
import { pressingQuery } from './queries';
import { StopProblem } from './StopProblem';
import styles from './stopping.module.css';
import { reportSentence } from './words';

/** How far the kill switch has come; brought up to date by every change of an order. */
export function Report({ pressing, onClose }: { pressing: string; onClose: () => void }) {
  const report = useQuery(pressingQuery(pressing));
  return (
    <Stack>
      {report.isPending && <Skeleton height={120} />}
      {report.isError && <StopProblem error={report.error} onRetry={() => void report.refetch()} />}
      {report.data !== undefined && (
        <>
          <Text fw={600} role="status">
            {reportSentence(report.data)}
          </Text>
          {!report.data.as_previewed && (
            <Text size="sm">
              Trades came or went while you decided. This is all that was withdrawn.
            </Text>
          )}
          <ul className={styles.trades} aria-label="What was withdrawn">
            {report.data.trades.map((trade) => (
              <li key={trade.recommendation_id}>
                <Group justify="space-between" wrap="nowrap" align="flex-start">
                  <span>{trade.summary}</span>
                  <Tag tone={trade.confirmed ? 'ok' : 'warn'}>{stateWord(trade.outcome)}</Tag>
                </Group>
                <div className={styles.small}>{trade.account.label}</div>
              </li>
            ))}
          </ul>
        </>
      )}
      <Button variant="default" onClick={onClose}>
        Close
      </Button>
    </Stack>
  );
}
