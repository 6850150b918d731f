import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { IconAlertOctagon } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { TradingState, TradingStates } from '@/client/schema';
import { announce } from '@/components/announce';
import { StateTag } from '@/components/Tag';
import { newKey } from '@/lib/newKey';
import { TRADING_STATES } from '@/lib/states';
import { StopProblem } from './StopProblem';
import { STATE_CHOICES } from './words';

const DESK = '';
const STATES: readonly TradingState[] = ['HALTED', 'REDUCING', 'ACTIVE'];

interface ChooseStepProps {
  states: TradingStates;
  onKill: (account: string | undefined) => void;
  onDone: () => void;
}

/** Which accounts, and which state; the kill switch is a step further. */
export function ChooseStep({ states, onKill, onDone }: ChooseStepProps) {
  const first = states.desk.may_halt ? DESK : states.accounts.find((each) => each.may_halt);
  const [scope, setScope] = useState(
    typeof first === 'string' ? first : (first?.account.id ?? DESK),
  );
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const chosen = states.accounts.find((each) => each.account.id === scope) ?? states.desk;
  const account = scope === DESK ? undefined : scope;
  const change = useMutation({
    mutationFn: (state: TradingState) => {
      const body = { state, reason: reason.trim() };
      const header = { 'Idempotency-Key': newKey() };
      return answerOf(
        account === undefined
          ? api.PUT('/api/trading-state/desk/', { params: { header }, body })
          : api.PUT('/api/trading-state/accounts/{account_id}/', {
              params: { path: { account_id: account }, header },
              body,
            }),
      );
    },
    onSuccess: (_, state) => {
      announce(`Trading is ${state}`, STATE_CHOICES[state].consequence);
      onDone();
    },
    onSettled: () => void refresh(queries, ['desk', 'stopping', 'dashboard']),
  });
  const mayDo = (state: TradingState) => (state === 'HALTED' ? chosen.may_halt : chosen.may_resume);
  const choices = STATES.filter((state) => state !== chosen.state && mayDo(state));
  return (
    <Stack>
      <NativeSelect
        label="What to stop or resume"
        value={scope}
        onChange={(event) => setScope(event.currentTarget.value)}
        data={[
          { value: DESK, label: 'The whole desk' },
          ...states.accounts.map(({ account: each }) => ({
            value: each.id,
            label: `${each.label} (${each.kind})`,
          })),
        ]}
      />
      <Group gap="xs">
        <StateTag state={chosen.state} words={TRADING_STATES} />
        <Text size="sm" c="dimmed">
          {chosen.reason === '' ? TRADING_STATES[chosen.state].meaning : chosen.reason}
          {chosen.changed_by !== null && ` · ${chosen.changed_by}`}
        </Text>
      </Group>
      {choices.length === 0 && !chosen.may_halt && (
        <Text size="sm">
          You may not change this. Halting takes the role trader or operator; the whole desk takes
          somebody who operates for every client.
        </Text>
      )}
      {choices.length > 0 && (
        <TextInput
          label="Reason"
          description="Kept on record with your name."
          maxLength={500}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
      )}
      {choices.map((state) => (
        <Group key={state} justify="space-between" wrap="nowrap">
          <Text size="sm">{STATE_CHOICES[state].consequence}</Text>
          <Button
            variant="default"
            style={{ flex: 'none' }}
            disabled={reason.trim() === ''}
            loading={change.isPending && change.variables === state}
            onClick={() => change.mutate(state)}
          >
            {STATE_CHOICES[state].verb}
          </Button>
        </Group>
      ))}
      {change.isError && <StopProblem error={change.error} />}
      {chosen.may_halt && (
        <Group justify="space-between" wrap="nowrap">
          <Text size="sm">Halt and cancel everything under way. You see it first.</Text>
          <Button
            color="red.9"
            style={{ flex: 'none' }}
            leftSection={<IconAlertOctagon size={16} aria-hidden />}
            onClick={() => onKill(account)}
          >
            Kill switch…
          </Button>
        </Group>
      )}
    </Stack>
  );
}
