import { useMutation, useQueryClient } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import type { StrategyRow } from '@/client/schema';
import { announce, announceProblem } from '@/components/announce';
import { newKey } from '@/lib/newKey';

type Named = Pick<StrategyRow, 'id' | 'name'>;

/** Switching an instance on and off, and running it now. */
export function useStrategyCommands({ id, name }: Named) {
  const queries = useQueryClient();
  const path = { strategy_id: id };
  const settle = () => void refresh(queries, ['strategies', 'desk']);
  const toggle = useMutation({
    mutationFn: (on: boolean) =>
      answerOf(
        on
          ? api.POST('/api/strategies/{strategy_id}/enable/', { params: { path } })
          : api.POST('/api/strategies/{strategy_id}/disable/', { params: { path } }),
      ),
    onSuccess: (row) =>
      announce(
        row.enabled ? `${name} is on` : `${name} is off`,
        row.enabled
          ? 'It runs at the next turn of the schedule while its market is open.'
          : 'It makes no further recommendations. Those already made keep their deadline.',
      ),
    onError: announceProblem,
    onSettled: settle,
  });
  const runNow = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/strategies/{strategy_id}/run/', {
          params: { path, header: { 'Idempotency-Key': newKey() } },
        }),
      ),
    onSuccess: () =>
      announce(`${name} is running`, 'What it finds appears here and among the recommendations.'),
    onError: announceProblem,
    onSettled: settle,
  });
  return { toggle, runNow };
}
