import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given, pageOf, pages } from '@/client/queries';
import type { DecisionAction } from '@/client/schema';

interface Filters {
  client: string | undefined;
  account: string | undefined;
  since: string | undefined;
}

export function journalQuery(filters: Filters) {
  return queryOptions({
    queryKey: ['journal', 'results', filters],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/journal/', { params: { query: given(filters) }, signal })),
  });
}

interface OutcomeFilters {
  client: string | undefined;
  account: string | undefined;
  decision: DecisionAction | undefined;
  strategy: string | undefined;
  approver: string | undefined;
}

export function outcomesQuery(filters: OutcomeFilters) {
  return infiniteQueryOptions({
    queryKey: ['journal', 'outcomes', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/journal/outcomes/', {
          params: { query: pageOf(filters, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}
