import { Anchor, Button, Group, Text, Title } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link } from '@tanstack/react-router';
import type { AlertRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { Dialog } from '@/components/Dialog';
import { Moment } from '@/components/Moment';
import { StateTag } from '@/components/Tag';
import { ALERT_STATES, SEVERITIES } from '@/lib/states';
import { Acknowledge } from './Acknowledge';
import styles from './AlertsPage.module.css';

/** One alert; acknowledging says that a person has seen it, not that it is over. */
export function AlertItem({ alert }: { alert: AlertRow }) {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <li className={styles.alert} data-severity={alert.severity} data-row={alert.id}>
      <div className={styles.words}>
        <Group gap="xs">
          <StateTag state={alert.severity} words={SEVERITIES} />
          <StateTag state={alert.state} words={ALERT_STATES} />
          {alert.account !== null && <AccountCell account={alert.account} />}
        </Group>
        <Title order={2} className={styles.title}>
          {alert.title}
        </Title>
        {alert.detail !== '' && <Text size="sm">{alert.detail}</Text>}
        {alert.recommendation_id !== null && (
          <Anchor
            component={Link}
            to="/recommendations/$id"
            params={{ id: alert.recommendation_id } as never}
            size="sm"
          >
            Recommendation
          </Anchor>
        )}
        {alert.acknowledged_by !== null && alert.acknowledged_at !== null && (
          <Text size="sm" component="div">
            Acknowledged by {alert.acknowledged_by}, <Moment at={alert.acknowledged_at} />
            {alert.note !== '' && `: “${alert.note}”`}
          </Text>
        )}
        <Text size="xs" c="dimmed" component="div">
          Raised <Moment at={alert.raised_at} />
          {alert.cleared_at !== null && (
            <>
              , cleared <Moment at={alert.cleared_at} />
            </>
          )}{' '}
          · {alert.code} · <span className={styles.subject}>{alert.subject}</span>
        </Text>
      </div>
      {alert.state === 'OPEN' && (
        <Button
          variant="default"
          size="sm"
          aria-label={`Acknowledge: ${alert.title}`}
          onClick={dialog.open}
        >
          Acknowledge…
        </Button>
      )}
      <Dialog isOpen={isOpen} onClose={dialog.close} title="Acknowledge this alert?">
        <Acknowledge alert={alert} onDone={dialog.close} />
      </Dialog>
    </li>
  );
}
