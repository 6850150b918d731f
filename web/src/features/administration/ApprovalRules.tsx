import { Switch, Text, TextInput } from '@mantine/core';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { ClientRow, ApprovalRules as Rules } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { PageSkeleton } from '@/components/PageSkeleton';
import { ProblemNotice } from '@/components/ProblemNotice';
import { useCommand } from './useCommand';

const rulesQuery = (client: string) =>
  queryOptions({
    queryKey: ['setup', 'rules', client],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/clients/{client_id}/approval-rules/', {
          params: { path: { client_id: client } },
          signal,
        }),
      ),
  });

interface ApprovalRulesProps {
  client: ClientRow;
  onDone: () => void;
}

/** How fresh a sign-in an approval needs, and what two people must agree on. */
export function ApprovalRules({ client, onDone }: ApprovalRulesProps) {
  const query = useQuery(rulesQuery(client.id));
  if (query.isError)
    return <ProblemNotice error={query.error} onRetry={() => void query.refetch()} />;
  if (query.data === undefined) return <PageSkeleton />;
  return <RulesForm key={client.id} client={client} rules={query.data} onDone={onDone} />;
}

const AMOUNT = /^\d{1,16}(\.\d{1,4})?$/;

function RulesForm({ client, rules, onDone }: ApprovalRulesProps & { rules: Rules }) {
  const mayChange = client.role === 'ADMIN';
  const [minutes, setMinutes] = useState(String(rules.step_up_minutes ?? ''));
  const [notional, setNotional] = useState(rules.two_approvers_above_notional ?? '');
  const [loss, setLoss] = useState(rules.two_approvers_above_max_loss ?? '');
  const [twoConfigure, setTwoConfigure] = useState(rules.two_people_configure);
  const minutesWrong =
    minutes !== '' &&
    !(/^\d{1,3}$/.test(minutes) && Number(minutes) >= 1 && Number(minutes) <= 720);
  const amountWrong = (text: string) => text !== '' && !AMOUNT.test(text);
  const save = useCommand(
    () =>
      answerOf(
        api.PUT('/api/clients/{client_id}/approval-rules/', {
          params: { path: { client_id: client.id } },
          body: {
            step_up_minutes: minutes === '' ? null : Number(minutes),
            two_approvers_above_notional: notional || null,
            two_approvers_above_max_loss: loss || null,
            two_people_configure: twoConfigure,
          },
        }),
      ),
    {
      told: () => ({
        title: 'Approval rules changed',
        message: 'They hold for recommendations that wait already, too.',
      }),
      after: onDone,
    },
  );
  const field = (
    label: string,
    description: string,
    value: string,
    isWrong: boolean,
    onChange: (text: string) => void,
  ) => (
    <TextInput
      label={label}
      description={description}
      inputMode="decimal"
      placeholder="none"
      disabled={!mayChange}
      value={value}
      error={isWrong ? 'Enter a number, or leave it empty.' : null}
      onChange={(event) => onChange(event.currentTarget.value.trim())}
    />
  );
  return (
    <CommandForm
      command={save}
      onSubmit={() => save.mutate()}
      onBack={onDone}
      submit="Save rules"
      isReady={mayChange && !minutesWrong && !amountWrong(notional) && !amountWrong(loss)}
    >
      {!mayChange && (
        <Text size="sm">Only who holds the role ADMIN for {client.name} changes these.</Text>
      )}
      {field(
        'Proof of identity no older than, in minutes',
        'Who approves confirms that it is them when their sign-in is older. Empty: any sign-in.',
        minutes,
        minutesWrong,
        setMinutes,
      )}
      {field(
        'Two people approve above this notional',
        'Strike × multiplier × contracts of what opens. Empty: one person suffices.',
        notional,
        amountWrong(notional),
        setNotional,
      )}
      {field(
        'Two people approve above this loss',
        'The most the trade can lose. Empty: one person suffices.',
        loss,
        amountWrong(loss),
        setLoss,
      )}
      <Switch
        label="Two people change a strategy's settings"
        description="What one person changes is in force once another has approved it."
        disabled={!mayChange}
        checked={twoConfigure}
        onChange={(event) => setTwoConfigure(event.currentTarget.checked)}
      />
    </CommandForm>
  );
}
