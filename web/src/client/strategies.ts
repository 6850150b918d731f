import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './api';
import { pageOf, pages } from './queries';

/** The strategies that an instance or a backtest can be made of. */
export const strategyKindsQuery = queryOptions({
  queryKey: ['strategies', 'kinds'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/strategies/kinds/', { signal })),
});

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
          params: { query: pageOf(filters, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}
