/** What one reads in a log. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { pageOf, pages } from '@/client/queries';

export function strategyErrorsQuery(client: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ['strategies', 'errors', { client }],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/logs/strategy-errors/', {
          params: { query: pageOf({ client }, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}

export function brokerMessagesQuery(client: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ['orders', 'messages', { client }],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/logs/broker-messages/', {
          params: { query: pageOf({ client }, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}

export interface AuditFilter {
  action: string | undefined;
  actor: string | undefined;
}

export function auditQuery(filter: AuditFilter) {
  return infiniteQueryOptions({
    queryKey: ['setup', 'audit', filter],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/audit/', {
          params: { query: pageOf(filter, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}

/** The desk examined now, at each look anew; there is one page. */
export function healthQuery() {
  return infiniteQueryOptions({
    queryKey: ['health'],
    queryFn: async ({ signal }) => {
      const health = await answerOf(api.GET('/api/health/', { signal }));
      return { items: health.checks, next_cursor: null, checkedAt: health.checked_at };
    },
    ...pages,
    staleTime: 0,
  });
}
