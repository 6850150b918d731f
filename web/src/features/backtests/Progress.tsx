import { Group, Text } from '@mantine/core';
import type { Progress as Reading } from '@/client/schema';
import { formatCount, formatRoughPercent } from '@/lib/numbers';
import { formatDate, formatDuration } from '@/lib/time';
import { useTick } from '@/lib/useTick';
import styles from './backtests.module.css';

/** Seconds to go at the pace so far; null before there is a pace to go by. */
function secondsLeft(startedAt: string, now: number, fraction: number): number | null {
  const passed = (now - Date.parse(startedAt)) / 1000;
  if (fraction < 0.02 || passed <= 0) return null;
  return (passed / fraction) * (1 - fraction);
}

/** How far a running backtest is, and about how long it will take. */
export function Progress({ progress, startedAt }: { progress: Reading | null; startedAt: string }) {
  useTick();
  const { done = 0, of = 0, session = '' } = progress ?? {};
  const fraction = of > 0 ? done / of : 0;
  const left = secondsLeft(startedAt, Date.now(), fraction);
  return (
    <div>
      <Bar label="Progress of the backtest" value={done} max={of} />
      <Group justify="space-between" gap="xs" mt={6}>
        <Text size="sm">
          {of === 0
            ? 'Reading the recorded chains…'
            : `${formatRoughPercent(fraction)}, ${formatCount(done)} of ${formatCount(of)} moments${session === '' ? '' : `, at ${formatDate(session)}`}`}
        </Text>
        {left !== null && (
          <Text size="sm" c="dimmed">
            about {formatDuration(left)} to go
          </Text>
        )}
      </Group>
    </div>
  );
}

/** `max` 0 is one that has no measure yet. */
export function Bar({ label, value, max }: { label: string; value: number; max: number }) {
  return (
    <progress className={styles.progress} aria-label={label} {...(max > 0 ? { value, max } : {})} />
  );
}
