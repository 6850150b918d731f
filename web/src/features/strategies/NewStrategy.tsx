import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import { strategyKindsQuery } from '@/client/strategies';
import { announce } from '@/components/announce';
import { ProblemNotice } from '@/components/ProblemNotice';
import { TextField } from '@/components/TextField';
import { newKey } from '@/lib/newKey';
import { useConfigurableAccounts } from './useConfigurableAccounts';

/** What a new instance needs before its settings: a strategy, an account, a name, a universe. */
export function NewStrategy({ onDone }: { onDone: () => void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const accounts = useConfigurableAccounts();
  const kinds = useQuery(strategyKindsQuery);
  const usable = (kinds.data ?? []).filter((kind) => kind.error === null);
  const [version, setVersion] = useState('');
  const [account, setAccount] = useState('');
  const [name, setName] = useState('');
  const [universe, setUniverse] = useState('');
  const [key] = useState(newKey);
  const kind = usable.find((each) => each.version_id === version) ?? usable[0];
  const accountId = account || accounts[0]?.id;
  const symbols = universe
    .split(/[\s,;]+/)
    .map((each) => each.toUpperCase())
    .filter(Boolean);
  const create = useMutation({
    mutationFn: (body: { version_id: string; account_id: string }) =>
      answerOf(
        api.POST('/api/strategies/', {
          params: { header: { 'Idempotency-Key': key } },
          body: { ...body, name, config: { universe: symbols } },
        }),
      ),
    onSuccess: (made) => {
      void refresh(queries, ['strategies']);
      announce(
        `${made.name} is set up`,
        'It is off. Look through its settings, then switch it on.',
      );
      onDone();
      void navigate({ to: '/strategies/$id', params: { id: made.id } });
    },
  });
  const isReady =
    kind !== undefined && accountId !== undefined && name.trim() !== '' && symbols.length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isReady) create.mutate({ version_id: kind.version_id, account_id: accountId });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        {kinds.isError && <ProblemNotice error={kinds.error} />}
        <NativeSelect
          label="Strategy"
          value={kind?.version_id ?? ''}
          onChange={(event) => setVersion(event.currentTarget.value)}
          data={usable.map((each) => ({
            value: each.version_id,
            label: `${each.name}, version ${each.version}`,
          }))}
        />
        {kind !== undefined && (
          <Text size="sm" c="dimmed">
            {kind.description}
          </Text>
        )}
        <NativeSelect
          label="Account"
          value={accountId ?? ''}
          onChange={(event) => setAccount(event.currentTarget.value)}
          data={accounts.map((each) => ({ value: each.id, label: `${each.label} (${each.kind})` }))}
        />
        <TextField label="Name" required maxLength={80} value={name} onChange={setName} />
        <TextField
          label="Universe"
          description="Underlying symbols, in order of preference: AAPL, MSFT, SPY"
          required
          value={universe}
          onChange={setUniverse}
        />
        {create.isError && <ProblemNotice error={create.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            Go back
          </Button>
          <Button type="submit" loading={create.isPending} disabled={!isReady}>
            Set up, switched off
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
