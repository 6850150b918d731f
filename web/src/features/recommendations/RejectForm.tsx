import { Button, Group, Stack, Text } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { RecommendationDetail, RejectAsk } from '@/client/schema';
import { NoteField } from '@/components/NoteField';
import { ProblemNotice } from '@/components/ProblemNotice';
import { compareDecimals, formatAmount, negated } from '@/lib/decimal';
import styles from './Forms.module.css';
import { Meanwhile } from './Meanwhile';
import { useDecision } from './useDecision';

interface RejectFormProps {
  detail: RecommendationDetail;
  onDone: () => void;
}

/** A refusal, with the reason that will be read when its outcome is judged. */
export function RejectForm({ detail, onDone }: RejectFormProps) {
  const [seen] = useState(detail);
  const [reason, setReason] = useState('');
  const isDecided = detail.state !== 'PROPOSED';
  const isPaid = compareDecimals(seen.credit, '0') < 0;
  const currency = seen.terms.legs[0]?.contract.currency ?? '';
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
        <Meanwhile seen={seen} detail={detail} />
        <div className={styles.consequence}>
          <Text fw={650}>{seen.trade}: not traded.</Text>
          <Text size="sm">
            Nothing is sent: {formatAmount(isPaid ? negated(seen.credit) : seen.credit)} {currency}{' '}
            {isPaid ? 'are not paid' : 'are not received'}. The rejection is final; a later run may
            propose anew, and the journal shows what the trade would have come to.
          </Text>
        </div>
        <NoteField label="Reason" required value={reason} onChange={setReason} />
        {isError && <ProblemNotice error={error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onDone}>
            {isOvertaken || isDecided ? 'Back to the card' : 'Go back'}
          </Button>
          <Button
            type="submit"
            color="red.9"
            loading={isPending}
            disabled={reason.trim() === '' || isOvertaken || isDecided}
          >
            Confirm rejection
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
