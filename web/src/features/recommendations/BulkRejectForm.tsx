import { Button, Group, List, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { BulkRejection } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { NoteField } from '@/components/NoteField';
import { newKey } from '@/lib/newKey';
import { type Row, tradeOf } from './columns';

const MOST = 100;

interface BulkRejectFormProps {
  rows: Row[];
  onDone: () => void;
}

/** One reason for several; each is rejected by the terms on screen, and answered by itself. */
export function BulkRejectForm({ rows, onDone }: BulkRejectFormProps) {
  const [reason, setReason] = useState('');
  const [key] = useState(newKey);
  const queries = useQueryClient();
  const items = rows.slice(0, MOST);
  const reject = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/recommendations/reject/', {
          params: { header: { 'Idempotency-Key': key } },
          body: {
            reason: reason.trim(),
            items: items.map((row) => ({ recommendation_id: row.id, terms_hash: row.terms_hash })),
          },
        }),
      ),
    onSettled: () => void refresh(queries, ['recommendations', 'desk']),
  });
  if (reject.data !== undefined) {
    return <Results rows={items} results={reject.data.items} onDone={onDone} />;
  }
  return (
    <CommandForm
      command={reject}
      onSubmit={() => reject.mutate()}
      onBack={onDone}
      submit={`Reject ${items.length}`}
      isReady={reason.trim() !== ''}
      isDangerous
    >
      <Text size="sm">
        Nothing is sent. The rejections are final; a later run may propose anew.
        {rows.length > MOST && ` The first ${MOST} of ${rows.length} are taken.`}
      </Text>
      <List size="sm" style={{ maxHeight: '12rem', overflowY: 'auto' }}>
        {items.map((row) => (
          <List.Item key={row.id}>{tradeOf(row)}</List.Item>
        ))}
      </List>
      <NoteField label="Reason, for all of them" required value={reason} onChange={setReason} />
    </CommandForm>
  );
}

interface ResultsProps {
  rows: Row[];
  results: BulkRejection['items'];
  onDone: () => void;
}

function Results({ rows, results, onDone }: ResultsProps) {
  const rejected = results.filter((result) => result.receipt !== null).length;
  return (
    <Stack>
      <Text fw={600} role="status">
        {rejected} of {results.length} rejected, on record.
      </Text>
      {rejected < results.length && (
        <List size="sm">
          {rows.map((row, index) => {
            const refusal = results[index]?.refusal;
            if (refusal === null || refusal === undefined) return null;
            return (
              <List.Item key={row.id}>
                {tradeOf(row)}: <strong>{refusal.title}</strong>. {refusal.advice}
              </List.Item>
            );
          })}
        </List>
      )}
      <Group justify="flex-end">
        <Button onClick={onDone}>Done</Button>
      </Group>
    </Stack>
  );
}
