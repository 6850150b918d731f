import '@/styles/forms';
import { Button, Group, Switch } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import type { StrategyRow } from '@/client/schema';
import styles from './strategies.module.css';
import { useStrategyCommands } from './useStrategyCommands';

/** The two things a person does to a strategy without opening it. */
export function StrategyActions({ strategy }: { strategy: StrategyRow }) {
  const { toggle, runNow } = useStrategyCommands(strategy);
  const { name, enabled, may_configure: mayConfigure } = strategy;
  return (
    <Group gap="md" wrap="nowrap" className={styles.above}>
      <Switch
        aria-label={`${name} is ${enabled ? 'on' : 'off'}`}
        label={enabled ? 'On' : 'Off'}
        checked={enabled}
        disabled={!mayConfigure || toggle.isPending}
        onChange={(event) => toggle.mutate(event.currentTarget.checked)}
        className={styles.switch}
      />
      {mayConfigure && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlayerPlay size={14} aria-hidden />}
          aria-label={`Run now: ${name}`}
          disabled={!enabled || strategy.last_run?.status === 'RUNNING'}
          loading={runNow.isPending}
          onClick={() => runNow.mutate()}
        >
          Run now
        </Button>
      )}
    </Group>
  );
}
