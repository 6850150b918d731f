import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';

/** What the trade would do at the latest quotes; read again after every look at the market. */
export function outlookQuery(id: string) {
  return queryOptions({
    queryKey: ['outlook', id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/recommendations/{recommendation_id}/outlook/', {
          params: { path: { recommendation_id: id } },
          signal,
        }),
      ),
  });
}
