import '@/styles/combobox';
import { Autocomplete, NativeSelect, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ClientRow } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { rowsOf } from '@/components/pages';
import { TextField } from '@/components/TextField';
import { gatewaysQuery } from './queries';
import { useCommand } from './useCommand';

const CODE = /^[A-Z][A-Z0-9]{3,19}$/;

/** An account behind a gateway. Whose it is can never be changed afterwards. */
export function NewAccount({ client, onDone }: { client: ClientRow; onDone: () => void }) {
  const query = useInfiniteQuery(gatewaysQuery);
  const gateways = rowsOf(query);
  const [chosen, setChosen] = useState('');
  const [code, setCode] = useState('');
  const [portfolio, setPortfolio] = useState(client.portfolios[0]?.name ?? '');
  const [alias, setAlias] = useState('');
  const gateway = gateways.find((each) => each.slug === chosen) ?? gateways[0];
  const wanted = code.trim().toUpperCase();
  const put = useCommand(
    (slug: string) =>
      answerOf(
        api.PUT('/api/gateways/{slug}/accounts/{code}/', {
          params: { path: { slug, code: wanted } },
          body: { client_id: client.id, portfolio: portfolio.trim(), alias: alias.trim() },
        }),
      ),
    {
      told: ({ outcome }) =>
        outcome === 'added'
          ? {
              title: `${wanted} is set up`,
              message: 'It is read and compared with the broker at the gateway’s next turn.',
            }
          : {
              title: `${wanted} was set up already`,
              message: 'What it is called was brought up to date.',
            },
      after: onDone,
    },
  );
  return (
    <CommandForm
      command={put}
      onSubmit={() => gateway !== undefined && put.mutate(gateway.slug)}
      onBack={onDone}
      submit="Add account"
      isReady={gateway !== undefined && CODE.test(wanted) && portfolio.trim() !== ''}
    >
      <Text size="sm">
        An account never changes hands: its orders, executions and cash are {client.name}’s history.
      </Text>
      {query.isSuccess && gateways.length === 0 && (
        <Text size="sm" fw={600}>
          No gateway is set up yet. Connect one first, under “Gateways”.
        </Text>
      )}
      <NativeSelect
        label="Gateway"
        value={gateway?.slug ?? ''}
        onChange={(event) => setChosen(event.currentTarget.value)}
        data={gateways.map((each) => ({
          value: each.slug,
          label: `${each.name} (${each.kind})`,
        }))}
      />
      <Autocomplete
        label="Account code"
        description={
          (gateway?.unknown_accounts.length ?? 0) > 0
            ? 'The login serves accounts that are not set up here: they are offered below.'
            : 'As the broker prints it: U1234567, or DU1234567 for paper'
        }
        required
        maxLength={20}
        value={code}
        data={gateway?.unknown_accounts ?? []}
        onChange={setCode}
      />
      <Autocomplete
        label="Portfolio"
        description="Made where the client has none of that name"
        required
        maxLength={120}
        value={portfolio}
        data={client.portfolios.map((each) => each.name)}
        onChange={setPortfolio}
      />
      <TextField label="What people call it" maxLength={80} value={alias} onChange={setAlias} />
    </CommandForm>
  );
}
