import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { GatewayKind, GatewayRow, GatewaySetUp } from '@/client/schema';
import { KIND_MEANINGS } from '@/components/AccountBadge';
import { CommandForm } from '@/components/CommandForm';
import { Secret } from '@/components/Secret';
import { isSlug, slugOf } from './NewClient';
import { useCommand } from './useCommand';

const KINDS: readonly GatewayKind[] = ['PAPER', 'LIVE', 'SIMULATED'];
/** IB Gateway's own ports, and the simulated gateway's. */
const PORTS: Record<GatewayKind, string> = { PAPER: '4002', LIVE: '4001', SIMULATED: '4002' };

const isWithin = (text: string, low: number, high: number) =>
  /^\d{1,10}$/.test(text) && Number(text) >= low && Number(text) <= high;

/** What is typed so far; the short name and the port follow from the rest until they are typed. */
function useEntry(gateway: GatewayRow | undefined) {
  const [name, setName] = useState(gateway?.name ?? '');
  const [typedSlug, setTypedSlug] = useState(gateway?.slug);
  const [kind, setKind] = useState<GatewayKind>(gateway?.kind ?? 'PAPER');
  const [host, setHost] = useState(gateway?.host ?? '127.0.0.1');
  const [typedPort, setPort] = useState(gateway === undefined ? undefined : String(gateway.port));
  const [clientId, setClientId] = useState(String(gateway?.client_id ?? 17));
  const slug = typedSlug ?? slugOf(name);
  const port = typedPort ?? PORTS[kind];
  const setters = { setName, setTypedSlug, setKind, setHost, setPort, setClientId };
  return { name, slug, kind, host, port, clientId, ...setters };
}

function isComplete({ name, slug, host, port, clientId }: ReturnType<typeof useEntry>): boolean {
  const isNamed = name.trim() !== '' && isSlug(slug);
  const isAddress = host.trim() !== '' && isWithin(port, 1, 65535);
  return isNamed && isAddress && isWithin(clientId, 1, 2 ** 31 - 1);
}

interface GatewayFormProps {
  /** Absent for a new one. */
  gateway?: GatewayRow;
  onDone: () => void;
}

/** Where a gateway is. Its kind and short name stay: history names them. */
export function GatewayForm({ gateway, onDone }: GatewayFormProps) {
  const entry = useEntry(gateway);
  const { name, slug, kind, host, port, clientId } = entry;
  const put = useCommand(
    () =>
      answerOf(
        api.PUT('/api/gateways/{slug}/', {
          params: { path: { slug } },
          body: {
            name: name.trim(),
            kind,
            host: host.trim(),
            port: Number(port),
            client_id: Number(clientId),
          },
        }),
      ),
    {},
  );
  if (put.data !== undefined) return <Next done={put.data} onDone={onDone} />;
  return (
    <CommandForm
      command={put}
      onSubmit={() => put.mutate()}
      onBack={onDone}
      submit={gateway === undefined ? 'Set up gateway' : 'Save'}
      isReady={isComplete(entry)}
    >
      <TextInput
        label="Name"
        required
        maxLength={120}
        value={name}
        onChange={(event) => entry.setName(event.currentTarget.value)}
      />
      {gateway === undefined && (
        <>
          <TextInput
            label="Short name"
            description="Names its worker and its queue; it stays."
            required
            maxLength={40}
            value={slug}
            error={slug !== '' && !isSlug(slug) ? 'Use lower-case letters, digits, hyphens.' : null}
            onChange={(event) => entry.setTypedSlug(event.currentTarget.value)}
          />
          <NativeSelect
            label="Kind of login"
            description={`${KIND_MEANINGS[kind]}. It can never change.`}
            value={kind}
            onChange={(event) => entry.setKind(event.currentTarget.value as GatewayKind)}
            data={[...KINDS]}
          />
        </>
      )}
      {kind === 'LIVE' && (
        <Text size="sm" fw={650} className="loss">
          Real money. Nothing is sent there before the limit “Real money” is switched on for it.
        </Text>
      )}
      <Group grow align="flex-start">
        <TextInput
          label="Host"
          required
          value={host}
          onChange={(event) => entry.setHost(event.currentTarget.value)}
        />
        <TextInput
          label="Port"
          required
          inputMode="numeric"
          value={port}
          error={isWithin(port, 1, 65535) ? null : 'From 1 to 65535'}
          onChange={(event) => entry.setPort(event.currentTarget.value.trim())}
        />
      </Group>
      <TextInput
        label="API client id"
        description="The desk’s alone at this gateway. Only it can cancel the orders it sent."
        required
        inputMode="numeric"
        value={clientId}
        error={isWithin(clientId, 1, 2 ** 31 - 1) ? null : 'A whole number from 1'}
        onChange={(event) => entry.setClientId(event.currentTarget.value.trim())}
      />
    </CommandForm>
  );
}

const OUTCOMES: Record<GatewaySetUp['outcome'], string> = {
  added: 'The gateway is on record. Start its broker worker, the one process that connects to it:',
  changed: 'The gateway is changed. Restart its broker worker:',
  unchanged: 'Nothing was changed.',
};

function Next({ done, onDone }: { done: GatewaySetUp; onDone: () => void }) {
  return (
    <Stack>
      <Text>{OUTCOMES[done.outcome]}</Text>
      {done.outcome !== 'unchanged' && <Secret label="Command" value={done.worker_command} />}
      {!done.scheduled && (
        <>
          <Text size="sm" fw={600}>
            Temporal did not answer, so nothing is scheduled for the gateway yet. Once it does, run:
          </Text>
          <Secret label="Command for the schedules" value="greenlight setup-temporal" />
        </>
      )}
      <Group justify="flex-end">
        <Button onClick={onDone}>Done</Button>
      </Group>
    </Stack>
  );
}
