import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given } from '@/client/queries';

const PAGE_SIZE = 100;

interface Filters {
  client: string | undefined;
  account: string | undefined;
}

export function strategiesQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ['strategies', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/strategies/', {
          params: { query: { ...given({ ...filters, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

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
            query: { ...given({ cursor: pageParam }), limit: 20 },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}
