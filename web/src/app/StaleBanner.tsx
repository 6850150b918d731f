import { Button, Group, Text } from '@mantine/core';
import { IconCloudOff } from '@tabler/icons-react';
import { useContext } from 'react';
import { StreamContext, useStreamState } from '@/client/hooks';
import { formatClock, localTimeZone } from '@/lib/time';
import styles from './StaleBanner.module.css';

/** Says so when what is on screen may be out of date. The connection is retried by itself. */
export function StaleBanner() {
  const stream = useContext(StreamContext);
  const { status, lostAt } = useStreamState();
  return (
    <div aria-live="assertive">
      {status === 'lost' && lostAt !== null && (
        <Group className={styles.banner} justify="space-between" gap="xs">
          <Group gap="xs" wrap="nowrap" className={styles.words}>
            <IconCloudOff size={18} className={styles.icon} aria-hidden />
            <Text size="sm">
              Live updates stopped at {formatClock(new Date(lostAt), localTimeZone())} (your time).
              What you see may be out of date. Reconnecting…
            </Text>
          </Group>
          <Button size="xs" variant="default" onClick={() => stream?.connect()}>
            Reconnect now
          </Button>
        </Group>
      )}
    </div>
  );
}
