import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { pageOf, pages } from '@/client/queries';

const SHORT_PAGE = 20;

export function strategyQuery(id: string) {
  return queryOptions({
    queryKey: ['strategies', 'one', id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/strategies/{strategy_id}/', {
          params: { path: { strategy_id: id } },
          signal,
        }),
      ),
  });
}

export function strategyRunsQuery(id: string) {
  return infiniteQueryOptions({
    queryKey: ['strategies', 'runs', id],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/strategies/{strategy_id}/runs/', {
          params: {
            path: { strategy_id: id },
            query: pageOf({}, pageParam, SHORT_PAGE),
          },
          signal,
        }),
      ),
    ...pages,
  });
}
