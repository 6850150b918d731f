import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { DiscrepancyRow } from '@/client/schema';
import { announce } from '@/components/announce';
import { Dialog } from '@/components/Dialog';
import { NoteField } from '@/components/NoteField';
import { ProblemNotice } from '@/components/ProblemNotice';

const LEAST_NOTE = 3;

/** Takes the broker's figure for the record, with a note; only where the person may. */
export function AcceptButton({ row }: { row: DiscrepancyRow }) {
  const [isOpen, dialog] = useDisclosure(false);
  if (!row.can_accept) return null;
  return (
    <>
      <Button size="xs" variant="default" onClick={dialog.open}>
        Accept…
      </Button>
      <Dialog isOpen={isOpen} onClose={dialog.close} title="Accept the broker’s figure?">
        <AcceptForm row={row} onDone={dialog.close} />
      </Dialog>
    </>
  );
}

function AcceptForm({ row, onDone }: { row: DiscrepancyRow; onDone: () => void }) {
  const [note, setNote] = useState('');
  const queries = useQueryClient();
  const accept = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/discrepancies/{discrepancy_id}/accept/', {
          params: { path: { discrepancy_id: row.id } },
          body: { actual: row.actual, note: note.trim() },
        }),
      ),
    onSuccess: () => {
      announce('Accepted, on record', row.title);
      onDone();
    },
    onSettled: () => void refresh(queries, ['alerts', 'desk', 'portfolio', 'dashboard']),
  });
  return (
    <Stack>
      <Text>{row.title}</Text>
      <Text size="sm">
        The desk’s record says {row.expected}, the broker’s books {row.actual}. The record takes the
        broker’s figure. An account that was halted for it stays halted until somebody resumes it.
      </Text>
      <NoteField label="Why the broker is right" required value={note} onChange={setNote} />
      {accept.isError && <ProblemNotice error={accept.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          Go back
        </Button>
        <Button
          disabled={note.trim().length < LEAST_NOTE}
          loading={accept.isPending}
          onClick={() => accept.mutate()}
        >
          Accept {row.actual}
        </Button>
      </Group>
    </Stack>
  );
}
