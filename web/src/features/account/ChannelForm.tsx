import '@/styles/forms';
import { Checkbox, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ChannelAnswer, NotificationEvent, Severity } from '@/client/schema';
import { announce } from '@/components/announce';
import { CommandForm } from '@/components/CommandForm';
import { bodyOf, EVENTS, isComplete, SEVERITIES, type Wishes, wishesOf } from './channel';
import { useAccountCommand } from './queries';

interface ChannelFormProps {
  /** The one to change; without it a new one is made. */
  channel: ChannelAnswer | undefined;
  /** Kinds of addresses that this desk allows. */
  kinds: string[];
  onDone: () => void;
}

export function ChannelForm({ channel, kinds, onDone }: ChannelFormProps) {
  const isNew = channel === undefined;
  const [wishes, setWishes] = useState<Wishes>(() => wishesOf(channel, hereZone()));
  const change = (part: Partial<Wishes>) => setWishes((before) => ({ ...before, ...part }));
  const save = useAccountCommand(
    () => keep(channel, wishes),
    () => {
      announce(isNew ? 'Channel made' : 'Channel changed', wishes.name);
      onDone();
    },
  );
  return (
    <CommandForm
      command={save}
      onSubmit={() => save.mutate()}
      onBack={onDone}
      submit={isNew ? 'Make channel' : 'Save'}
      isReady={isComplete(wishes, isNew)}
    >
      <TextInput
        label="Name"
        required
        maxLength={80}
        value={wishes.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      <TextInput
        label="Address"
        description={`In apprise's notation, such as ntfys://ntfy.example.com/topic. Here: ${kinds.join(', ')}`}
        required={isNew}
        placeholder={isNew ? '' : 'as it was'}
        maxLength={1000}
        autoComplete="off"
        value={wishes.address}
        onChange={(event) => change({ address: event.currentTarget.value })}
      />
      <Checkbox.Group
        label="Tell me of"
        value={wishes.events}
        onChange={(chosen) => change({ events: chosen as NotificationEvent[] })}
      >
        <Stack gap="xs" mt="xs">
          {Object.entries(EVENTS).map(([event, words]) => (
            <Checkbox key={event} value={event} label={words} />
          ))}
        </Stack>
      </Checkbox.Group>
      <NativeSelect
        label="How severe"
        value={wishes.least_severity}
        onChange={(event) => change({ least_severity: event.currentTarget.value as Severity })}
        data={Object.entries(SEVERITIES).map(([value, label]) => ({ value, label }))}
      />
      <QuietHours wishes={wishes} onChange={change} />
      <Checkbox
        label="In use"
        checked={wishes.is_enabled}
        onChange={(event) => change({ is_enabled: event.currentTarget.checked })}
      />
    </CommandForm>
  );
}

function QuietHours(props: { wishes: Wishes; onChange: (part: Partial<Wishes>) => void }) {
  const { wishes, onChange } = props;
  return (
    <>
      <Group grow align="flex-end">
        <TextInput
          label="Quiet from"
          type="time"
          value={wishes.quiet_from}
          onChange={(event) => onChange({ quiet_from: event.currentTarget.value })}
        />
        <TextInput
          label="until"
          type="time"
          value={wishes.quiet_until}
          onChange={(event) => onChange({ quiet_until: event.currentTarget.value })}
        />
        <TextInput
          label="by the clock of"
          maxLength={64}
          value={wishes.zone}
          onChange={(event) => onChange({ zone: event.currentTarget.value })}
        />
      </Group>
      <Checkbox
        label="What is critical may come in quiet hours"
        checked={wishes.critical_at_any_hour}
        onChange={(event) => onChange({ critical_at_any_hour: event.currentTarget.checked })}
      />
    </>
  );
}

function keep(channel: ChannelAnswer | undefined, wishes: Wishes) {
  const { address, ...rest } = bodyOf(wishes);
  if (channel === undefined) {
    return answerOf(api.POST('/api/auth/channels/', { body: { ...rest, address } }));
  }
  return answerOf(
    api.PUT('/api/auth/channels/{channel_id}/', {
      params: { path: { channel_id: channel.id } },
      body: { ...rest, address: address === '' ? null : address },
    }),
  );
}

function hereZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'America/New_York';
}
