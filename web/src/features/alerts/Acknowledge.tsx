import { Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { AlertRow } from '@/client/schema';
import { announce } from '@/components/announce';
import { CommandForm } from '@/components/CommandForm';
import { NoteField } from '@/components/NoteField';

interface AcknowledgeProps {
  alert: AlertRow;
  onDone: () => void;
}

/** Says that a person has seen it, and what they make of it; the alert lasts as its cause does. */
export function Acknowledge({ alert, onDone }: AcknowledgeProps) {
  const [note, setNote] = useState('');
  const queries = useQueryClient();
  const acknowledge = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/alerts/{alert_id}/acknowledge/', {
          params: { path: { alert_id: alert.id } },
          body: { note: note.trim() },
        }),
      ),
    onSuccess: () => {
      announce('Acknowledged', alert.title);
      onDone();
    },
    onSettled: () => void refresh(queries, ['alerts', 'desk']),
  });
  return (
    <CommandForm
      command={acknowledge}
      onSubmit={() => acknowledge.mutate()}
      onBack={onDone}
      submit="Acknowledge"
      isReady
    >
      <Text>{alert.title}</Text>
      <Text size="sm">
        Everybody sees that you have seen it. It stays until what it is about is over.
      </Text>
      <NoteField
        label="Note"
        description="What you make of it, or did about it; kept with the alert"
        value={note}
        onChange={setNote}
      />
    </CommandForm>
  );
}
