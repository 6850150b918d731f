/** What the desk is made of: people, clients, gateways, limits. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { PAGE_SIZE } from '@/client/queries';
import type { LimitScope } from '@/client/schema';

const pages = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor ?? undefined,
};

const page = (cursor: string | undefined, limit = PAGE_SIZE) =>
  cursor === undefined ? { limit } : { cursor, limit };

export const usersQuery = infiniteQueryOptions({
  queryKey: ['setup', 'users'],
  queryFn: ({ signal, pageParam }) =>
    answerOf(api.GET('/api/users/', { params: { query: page(pageParam) }, signal })),
  ...pages,
});

export const clientsQuery = infiniteQueryOptions({
  queryKey: ['setup', 'clients'],
  queryFn: ({ signal, pageParam }) =>
    answerOf(api.GET('/api/clients/', { params: { query: page(pageParam) }, signal })),
  ...pages,
});

export const gatewaysQuery = infiniteQueryOptions({
  queryKey: ['setup', 'gateways'],
  queryFn: ({ signal, pageParam }) =>
    answerOf(api.GET('/api/gateways/', { params: { query: page(pageParam) }, signal })),
  ...pages,
});

export const limitsFormQuery = queryOptions({
  queryKey: ['setup', 'limits', 'form'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/limits/', { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Whose limits: of the whole desk there is no owner. */
export interface Subject {
  scope: LimitScope;
  owner: string | undefined;
}

const ownerQuery = ({ owner }: Subject) => (owner === undefined ? {} : { owner });

export function scopeLimitsQuery(subject: Subject) {
  return queryOptions({
    queryKey: ['setup', 'limits', 'scope', subject],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/limits/{scope}/', {
          params: { path: { scope: subject.scope }, query: ownerQuery(subject) },
          signal,
        }),
      ),
  });
}

export function limitsHistoryQuery(subject: Subject) {
  return infiniteQueryOptions({
    queryKey: ['setup', 'limits', 'history', subject],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/limits/{scope}/history/', {
          params: {
            path: { scope: subject.scope },
            query: { ...ownerQuery(subject), ...page(pageParam, 20) },
          },
          signal,
        }),
      ),
    ...pages,
  });
}

export function inForceQuery(account: string) {
  return queryOptions({
    queryKey: ['setup', 'limits', 'in force', account],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/limits/in-force/{account_id}/', {
          params: { path: { account_id: account } },
          signal,
        }),
      ),
  });
}
