import { Button, Group, Skeleton, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { KillSwitchPreview } from '@/client/schema';
import { newKey } from '@/lib/newKey';
import { previewQuery } from './queries';
import { StopProblem } from './StopProblem';
import styles from './stopping.module.css';
import { killSentence, killVerb } from './words';

interface KillStepProps {
  account: string | undefined;
  onBack: () => void;
  onPressed: (pressing: string) => void;
}

/** Exactly what will be withdrawn, then the button that does it. */
export function KillStep({ account, onBack, onPressed }: KillStepProps) {
  const preview = useQuery({ ...previewQuery(account), staleTime: 0 });
  return (
    <Stack>
      {preview.isPending && <Skeleton height={120} />}
      {preview.isError && (
        <StopProblem error={preview.error} onRetry={() => void preview.refetch()} />
      )}
      {preview.data !== undefined && (
        <Confirmation preview={preview.data} account={account} onPressed={onPressed} />
      )}
      <Button variant="default" onClick={onBack}>
        Go back, change nothing
      </Button>
    </Stack>
  );
}

interface ConfirmationProps {
  preview: KillSwitchPreview;
  account: string | undefined;
  onPressed: (pressing: string) => void;
}

function Confirmation({ preview, account, onPressed }: ConfirmationProps) {
  const [reason, setReason] = useState('');
  const [key] = useState(newKey);
  const queries = useQueryClient();
  const press = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/kill-switch/', {
          params: { header: { 'Idempotency-Key': key } },
          body: { digest: preview.digest, reason: reason.trim(), ...(account && { account }) },
        }),
      ),
    onSuccess: (report) => onPressed(report.id),
    onSettled: () => void refresh(queries, ['desk', 'stopping', 'orders', 'recommendations']),
  });
  return (
    <>
      <Text fw={600}>{killSentence(preview)}</Text>
      <Text size="sm">
        {account === undefined ? 'The whole desk' : 'The account'} is HALTED from then on. Closing
        orders that reduce risk still pass.
      </Text>
      {preview.trades.length > 0 && (
        <ul className={styles.trades} aria-label="What will be withdrawn">
          {preview.trades.map((trade) => (
            <li key={trade.recommendation_id}>
              {trade.summary}
              <div className={styles.small}>{trade.account.label}</div>
            </li>
          ))}
        </ul>
      )}
      <TextInput
        label="Reason"
        maxLength={500}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
      />
      {press.isError && <StopProblem error={press.error} />}
      <Group justify="flex-end">
        <Button
          color="red.9"
          disabled={reason.trim() === ''}
          loading={press.isPending}
          onClick={() => press.mutate()}
        >
          {killVerb(preview)}
        </Button>
      </Group>
    </>
  );
}
