import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { hasCode } from '@/client/problem';
import { refresh } from '@/client/queries';
import type { DecisionReceipt } from '@/client/schema';
import { announce } from '@/components/announce';
import { newKey } from '@/lib/newKey';

/** Refusals after which the same form can never succeed: what it showed is no longer offered. */
const OVERTAKEN = ['TERMS_CHANGED', 'RECOMMENDATION_EXPIRED', 'ALREADY_DECIDED', 'NOT_PENDING'];

/**
 * One decision of one opened form. All its presses carry the same idempotency key, so a press
 * repeated after a lost answer finds the decision that was made instead of making another.
 */
export function useDecision<Ask>(
  send: (ask: Ask, idempotencyKey: string) => Promise<DecisionReceipt>,
  onDone: () => void,
) {
  const queries = useQueryClient();
  const [idempotencyKey] = useState(newKey);
  const mutation = useMutation({
    mutationFn: (ask: Ask) => send(ask, idempotencyKey),
    onSuccess: (receipt) => {
      if (receipt.awaits_second_approver) {
        announce('First approval, on record', 'Nothing is sent before another person approves.');
        onDone();
        return;
      }
      const word = receipt.action === 'APPROVE' ? 'Approved' : 'Rejected';
      announce(
        `${word}, on record`,
        receipt.delivered
          ? 'The workflow has it; what follows appears on this page.'
          : 'The workflow will have it within a minute. Nothing needs to be pressed again.',
      );
      onDone();
    },
    onSettled: () => void refresh(queries, ['recommendations', 'orders', 'desk']),
  });
  return { ...mutation, isOvertaken: hasCode(mutation.error, ...OVERTAKEN) };
}
