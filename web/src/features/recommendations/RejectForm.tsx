import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { RecommendationDetail, RejectAsk } from '@/client/schema';
import { ProblemNotice } from '@/components/ProblemNotice';
import styles from './Forms.module.css';
import { useDecision } from './useDecision';

const REASON_LENGTH = 500;

interface RejectFormProps {
  detail: RecommendationDetail;
  onDone: () => void;
}

/** A refusal, with the reason that will be read when its outcome is judged. */
export function RejectForm({ detail, onDone }: RejectFormProps) {
  const [seen] = useState(detail);
  const [reason, setReason] = useState('');
  const { mutate, error, isError, isPending, isOvertaken } = useDecision(
    (ask: RejectAsk, key) =>
      answerOf(
        api.POST('/api/recommendations/{recommendation_id}/reject/', {
          params: { path: { recommendation_id: seen.id }, header: { 'Idempotency-Key': key } },
          body: ask,
        }),
      ),
    onDone,
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    mutate({ terms_hash: seen.terms_hash, reason: reason.trim() });
  };
  return (
    <form onSubmit={submit}>
      <Stack>
        <div className={styles.consequence}>
          <Text fw={650}>{seen.summary}</Text>
          <Text size="sm">
            Nothing is sent. The rejection is final; a later run may propose anew.
          </Text>
        </div>
        <Textarea
          label="Reason"
          required
          autosize
          minRows={2}
          maxLength={REASON_LENGTH}
          value={reason}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {isError && <ProblemNotice error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {isOvertaken ? 'Back to the card' : 'Go back'}
          </Button>
          <Button
            type="submit"
            color="red.9"
            loading={isPending}
            disabled={reason.trim() === '' || isOvertaken}
          >
            Confirm rejection
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
