import { Anchor, Button, Group, Text, Title } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { AlertRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { announce, announceProblem } from '@/components/announce';
import { Moment } from '@/components/Moment';
import { StateTag } from '@/components/Tag';
import { ALERT_STATES, SEVERITIES } from '@/lib/states';
import styles from './AlertsPage.module.css';

/** One alert; acknowledging says that a person has seen it, not that it is over. */
export function AlertItem({ alert }: { alert: AlertRow }) {
  const queries = useQueryClient();
  const acknowledge = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/alerts/{alert_id}/acknowledge/', {
          params: { path: { alert_id: alert.id } },
        }),
      ),
    onSuccess: () => announce('Acknowledged', alert.title),
    onError: announceProblem,
    onSettled: () => void refresh(queries, ['alerts', 'desk']),
  });
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
          loading={acknowledge.isPending}
          aria-label={`Acknowledge: ${alert.title}`}
          onClick={() => acknowledge.mutate()}
        >
          Acknowledge
        </Button>
      )}
    </li>
  );
}
