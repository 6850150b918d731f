/** What one reads in a log. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given, PAGE_SIZE } from '@/client/queries';

const pages = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor ?? undefined,
};

export function strategyErrorsQuery(client: string | undefined) {
  return infiniteQueryOptions({
    queryKey: ['strategies', 'errors', { client }],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/logs/strategy-errors/', {
          params: { query: { ...given({ client, cursor: pageParam }), limit: PAGE_SIZE } },
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
          params: { query: { ...given({ client, cursor: pageParam }), limit: PAGE_SIZE } },
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
          params: { query: { ...given({ ...filter, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    ...pages,
  });
}
