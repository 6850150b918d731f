import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given } from '@/client/queries';
import type { Period } from '@/client/schema';

interface HistoryAsk {
  client: string | undefined;
  account?: string | undefined;
  period: Period;
}

export function valueHistoryQuery(ask: HistoryAsk) {
  return queryOptions({
    queryKey: ['dashboard', 'history', ask],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/value-history/', {
          params: { query: { ...given({ ...ask }), period: ask.period } },
          signal,
        }),
      ),
  });
}
