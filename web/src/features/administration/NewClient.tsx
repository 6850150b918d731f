import { Text } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ClientRow } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { NameField, TextField } from '@/components/TextField';
import { useCommand } from './useCommand';

/** `Hopper & Sons` → `hopper-sons`. */
export function slugOf(name: string): string {
  return name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
}

export const isSlug = (text: string) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(text) && text.length <= 40;

export function NewClient({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [typedSlug, setTypedSlug] = useState<string>();
  const slug = typedSlug ?? slugOf(name);
  const create = useCommand(
    () => answerOf(api.POST('/api/clients/', { body: { slug, name: name.trim() } })),
    {
      told: (client) => ({
        title: `${client.name} is set up`,
        message: 'Add an account next, and give people roles for it.',
      }),
      after: onDone,
    },
  );
  return (
    <CommandForm
      command={create}
      onSubmit={() => create.mutate()}
      onBack={onDone}
      submit="Create client"
      isReady={name.trim() !== '' && isSlug(slug)}
    >
      <NameField value={name} onChange={setName} />
      <TextField
        label="Short name"
        description="For addresses and scripts; it stays. Lower-case letters, digits, hyphens."
        required
        maxLength={40}
        value={slug}
        error={slug !== '' && !isSlug(slug) ? 'Use lower-case letters, digits and hyphens.' : null}
        onChange={setTypedSlug}
      />
    </CommandForm>
  );
}

interface OfClient {
  client: ClientRow;
  onDone: () => void;
}

export function Rename({ client, onDone }: OfClient) {
  const [name, setName] = useState(client.name);
  const rename = useCommand(
    () =>
      answerOf(
        api.PATCH('/api/clients/{client_id}/', {
          params: { path: { client_id: client.id } },
          body: { name: name.trim() },
        }),
      ),
    { told: (row) => ({ title: 'Renamed', message: row.name }), after: onDone },
  );
  return (
    <CommandForm
      command={rename}
      onSubmit={() => rename.mutate()}
      onBack={onDone}
      submit="Rename"
      isReady={name.trim() !== '' && name.trim() !== client.name}
    >
      <Text size="sm">Its short name, {client.slug}, stays: addresses and scripts use it.</Text>
      <NameField value={name} onChange={setName} />
    </CommandForm>
  );
}

export function NewPortfolio({ client, onDone }: OfClient) {
  const [name, setName] = useState('');
  const create = useCommand(
    () =>
      answerOf(
        api.POST('/api/clients/{client_id}/portfolios/', {
          params: { path: { client_id: client.id } },
          body: { name: name.trim() },
        }),
      ),
    { told: () => ({ title: 'Portfolio added', message: name.trim() }), after: onDone },
  );
  return (
    <CommandForm
      command={create}
      onSubmit={() => create.mutate()}
      onBack={onDone}
      submit="Add portfolio"
      isReady={name.trim() !== ''}
    >
      <Text size="sm">Roles and limits can be given for a portfolio by itself.</Text>
      <NameField value={name} onChange={setName} />
    </CommandForm>
  );
}
