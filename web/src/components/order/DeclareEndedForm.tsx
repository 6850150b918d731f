import { NumberInput, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { orderQuery } from '@/client/queries';
import type { EndingEvidence } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { CommandForm } from '@/components/CommandForm';
import { formatQuantity } from '@/lib/decimal';
import { NoteField } from '../NoteField';
import { type FormProps, useOrderCommand } from './command';
import { describeOrder } from './describe';

/** A person settles an order in doubt: it is over, and so many contracts were traded. */
export function DeclareEndedForm({ order, onDone }: FormProps) {
  const detail = useQuery(orderQuery(order.id));
  const [executed, setExecuted] = useState<string | number>('');
  const [reason, setReason] = useState('');
  const declare = useOrderCommand<void>(
    () =>
      answerOf(
        api.POST('/api/orders/{order_id}/declare-ended/', {
          params: { path: { order_id: order.id } },
          body: { executed_quantity: String(executed), reason: reason.trim() },
        }),
      ),
    'Declared over',
    onDone,
  );
  return (
    <CommandForm
      command={declare}
      onSubmit={() => declare.mutate()}
      onBack={onDone}
      submit="Confirm it is over"
      isReady={reason.trim() !== '' && executed !== ''}
      isDangerous
    >
      <AccountCell account={order.account} />
      <Text>{describeOrder(order)}</Text>
      <Text size="sm">{describeEvidence(detail.data?.ending_evidence ?? null)}</Text>
      <Text size="sm">
        Look in TWS and at the statement as well. What you enter counts against the approval; the
        desk never sends this order again.
      </Text>
      <NumberInput
        label="Contracts traded in all"
        required
        allowDecimal={false}
        min={Number(order.filled_quantity)}
        value={executed}
        onChange={setExecuted}
      />
      <NoteField label="What you checked" required value={reason} onChange={setReason} />
    </CommandForm>
  );
}

/** What the broker's books and the positions tell, in plain words. */
function describeEvidence(evidence: EndingEvidence | null): string {
  if (evidence === null) return 'Neither the broker’s books nor positions were read since.';
  const shown = evidence.shown_as === null ? 'did not show it' : `show it ${evidence.shown_as}`;
  const books = `${evidence.looks} complete looks at the broker’s books left it in doubt; the last ${shown}.`;
  if (
    evidence.missed === null ||
    evidence.position_before === null ||
    evidence.position_now === null
  )
    return `${books} The positions were not read both before and after it.`;
  const from = formatQuantity(evidence.position_before);
  const to = formatQuantity(evidence.position_now);
  const missed =
    Number(evidence.missed) === 0
      ? 'the executions on record explain that.'
      : `${formatQuantity(evidence.missed)} of that in the order’s direction has no execution on record.`;
  return `${books} The position went from ${from} to ${to}; ${missed}`;
}
