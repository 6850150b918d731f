import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given, pageOf, pages } from '@/client/queries';

interface Filters {
  client: string | undefined;
  strategy: string | undefined;
  run: string | undefined;
}

interface RowFilters extends Filters {
  action: 'OPEN' | 'CLOSE' | 'ROLL' | undefined;
  recommended: boolean | undefined;
}

export function opportunitiesQuery(filters: RowFilters) {
  return infiniteQueryOptions({
    queryKey: ['opportunities', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/opportunities/', {
          params: { query: pageOf(filters, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}

export function findingsQuery(filters: Filters) {
  return queryOptions({
    queryKey: ['opportunities', 'runs', filters],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/opportunities/runs/', { params: { query: given(filters) }, signal })),
  });
}
