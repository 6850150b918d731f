import { Button, Group, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ChannelAnswer } from '@/client/schema';
import { announce, announceProblem } from '@/components/announce';
import { Dialog } from '@/components/Dialog';
import { Failure } from '@/components/Failure';
import { Moment } from '@/components/Moment';
import { PageSkeleton } from '@/components/PageSkeleton';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import styles from './account.module.css';
import { ChannelForm } from './ChannelForm';
import { EVENTS, quietInWords } from './channel';
import { channelsQuery, useAccountCommand } from './queries';

/** How you are told of what waits for you while you are away from the desk. */
export function Channels() {
  const query = useQuery(channelsQuery);
  const [edited, setEdited] = useState<ChannelAnswer | 'new'>();
  const close = () => setEdited(undefined);
  return (
    <Section
      title="Notifications"
      aside={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => setEdited('new')}
        >
          New channel
        </Button>
      }
    >
      {query.isPending && <PageSkeleton />}
      <Failure query={query} />
      {query.data?.channels.length === 0 && (
        <Text size="sm" c="dimmed">
          Nobody tells you anything while you are away. A channel does: by e-mail, chat, push or
          webhook. Nothing can be decided from a message, only here.
        </Text>
      )}
      <ul className={styles.rows} aria-label="Channels">
        {query.data?.channels.map((channel) => (
          <Channel key={channel.id} channel={channel} onEdit={() => setEdited(channel)} />
        ))}
      </ul>
      <Dialog
        isOpen={edited !== undefined}
        onClose={close}
        title={edited === 'new' ? 'New channel' : 'Change the channel'}
      >
        {edited !== undefined && (
          <ChannelForm
            channel={edited === 'new' ? undefined : edited}
            kinds={query.data?.kinds ?? []}
            onDone={close}
          />
        )}
      </Dialog>
    </Section>
  );
}

function Channel({ channel, onEdit }: { channel: ChannelAnswer; onEdit: () => void }) {
  const path = { params: { path: { channel_id: channel.id } } };
  const test = useAccountCommand(
    () => answerOf(api.POST('/api/auth/channels/{channel_id}/test/', path)),
    () => announce('A test message went out', channel.name),
  );
  const remove = useAccountCommand(
    () => answerOf(api.DELETE('/api/auth/channels/{channel_id}/', path)),
    () => announce('Channel removed', channel.name),
  );
  return (
    <li className={styles.row} data-row={channel.id}>
      <div>
        <Group gap="xs">
          <Text size="sm" fw={600} className={styles.breakable}>
            {channel.name}
          </Text>
          <Tag tone="neutral">{channel.kind}</Tag>
          {!channel.is_enabled && <Tag tone="warn">SWITCHED OFF</Tag>}
        </Group>
        <Text size="xs" c="dimmed" component="div">
          {channel.events.map((event) => EVENTS[event]).join(', ')} · {quietInWords(channel)}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          {channel.last_sent_at === null ? (
            'Nothing sent yet'
          ) : (
            <>
              Last sent <Moment at={channel.last_sent_at} />
            </>
          )}
          {channel.waiting > 0 && ` · ${channel.waiting} to be sent`}
        </Text>
        {channel.error !== '' && (
          <Text size="xs" c="red" component="div" className={styles.breakable}>
            The latest message did not get through: {channel.error}
          </Text>
        )}
      </div>
      <Group gap="xs">
        <Button
          size="xs"
          variant="default"
          loading={test.isPending}
          aria-label={`Send a test on ${channel.name}`}
          onClick={() => test.mutate(undefined, { onError: announceProblem })}
        >
          Test
        </Button>
        <Button
          size="xs"
          variant="default"
          aria-label={`Change the channel ${channel.name}`}
          onClick={onEdit}
        >
          Change
        </Button>
        <Button
          size="xs"
          variant="default"
          loading={remove.isPending}
          aria-label={`Remove the channel ${channel.name}`}
          onClick={() => remove.mutate(undefined, { onError: announceProblem })}
        >
          Remove
        </Button>
      </Group>
    </li>
  );
}
