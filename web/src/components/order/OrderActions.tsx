import { Button, Group, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { OrderRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { CommandForm } from '@/components/CommandForm';
import { Dialog } from '@/components/Dialog';
import { NoteField } from '../NoteField';
import { type FormProps, useOrderCommand } from './command';
import { DeclareEndedForm } from './DeclareEndedForm';
import { describeOrder } from './describe';

/** What a person may do to an order: cancel it, or settle one that cannot be proven. */
export function OrderActions({ order }: { order: OrderRow }) {
  const [isCancelling, cancelling] = useDisclosure(false);
  const [isDeclaring, declaring] = useDisclosure(false);
  const [isEnding, ending] = useDisclosure(false);
  const isAsking = isCancelling || isDeclaring || isEnding;
  const mayDo = order.may_cancel || order.may_declare_not_sent || order.may_declare_ended;
  if (!mayDo && !isAsking) return null;
  return (
    <Group gap="xs">
      {order.may_cancel && (
        <Button size="xs" variant="default" onClick={cancelling.open}>
          Cancel order…
        </Button>
      )}
      {order.may_declare_not_sent && (
        <Button size="xs" variant="default" onClick={declaring.open}>
          Declare not sent…
        </Button>
      )}
      {order.may_declare_ended && (
        <Button size="xs" variant="default" onClick={ending.open}>
          Declare over…
        </Button>
      )}
      <Dialog isOpen={isCancelling} onClose={cancelling.close} title="Cancel this order?">
        <CancelForm order={order} onDone={cancelling.close} />
      </Dialog>
      <Dialog
        isOpen={isDeclaring}
        onClose={declaring.close}
        title="Declare that this order was never sent?"
      >
        <DeclareForm order={order} onDone={declaring.close} />
      </Dialog>
      <Dialog isOpen={isEnding} onClose={ending.close} title="Declare that this order is over?">
        <DeclareEndedForm order={order} onDone={ending.close} />
      </Dialog>
    </Group>
  );
}

function CancelForm({ order, onDone }: FormProps) {
  const cancel = useOrderCommand<void>(
    () =>
      answerOf(
        api.POST('/api/orders/{order_id}/cancel/', { params: { path: { order_id: order.id } } }),
      ),
    'Cancel requested',
    onDone,
  );
  return (
    <CommandForm
      command={cancel}
      onSubmit={() => cancel.mutate()}
      onBack={onDone}
      submit="Confirm cancel"
      back="Keep the order"
      isReady
      isDangerous
    >
      <AccountCell account={order.account} />
      <Text>{describeOrder(order)}</Text>
      <Text size="sm" c="dimmed">
        The broker is asked to cancel what is not filled yet. A fill may still arrive before the
        cancel is proven; what is filled stays.
      </Text>
    </CommandForm>
  );
}

function DeclareForm({ order, onDone }: FormProps) {
  const [reason, setReason] = useState('');
  const declare = useOrderCommand<string>(
    (text) =>
      answerOf(
        api.POST('/api/orders/{order_id}/declare-not-sent/', {
          params: { path: { order_id: order.id } },
          body: { reason: text },
        }),
      ),
    'Declared not sent',
    onDone,
  );
  return (
    <CommandForm
      command={declare}
      onSubmit={() => declare.mutate(reason.trim())}
      onBack={onDone}
      submit="Confirm not sent"
      isReady={reason.trim() !== ''}
      isDangerous
    >
      <AccountCell account={order.account} />
      <Text>{describeOrder(order)}</Text>
      <Text size="sm">
        {order.absent_looks} complete looks at the broker’s open orders, completed orders and
        executions did not find it. Look in TWS as well: if the order did reach the broker after
        all, declaring this frees the desk to trade the same contract again.
      </Text>
      <NoteField label="What you checked" required value={reason} onChange={setReason} />
    </CommandForm>
  );
}
