/** What the desk is made of: people, clients, gateways, limits. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given, pageOf, pages } from '@/client/queries';
import type { LimitScope } from '@/client/schema';

export const usersQuery = infiniteQueryOptions({
  queryKey: ['setup', 'users'],
  queryFn: ({ signal, pageParam }) =>
    answerOf(api.GET('/api/users/', { params: { query: pageOf({}, pageParam) }, signal })),
  ...pages,
});

export const clientsQuery = infiniteQueryOptions({
  queryKey: ['setup', 'clients'],
  queryFn: ({ signal, pageParam }) =>
    answerOf(api.GET('/api/clients/', { params: { query: pageOf({}, pageParam) }, signal })),
  ...pages,
});

export const gatewaysQuery = infiniteQueryOptions({
  queryKey: ['setup', 'gateways'],
  queryFn: ({ signal, pageParam }) =>
    answerOf(api.GET('/api/gateways/', { params: { query: pageOf({}, pageParam) }, signal })),
  ...pages,
});

export const limitsFormQuery = queryOptions({
  queryKey: ['setup', 'limits', 'form'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/limits/', { signal })),
  staleTime: Number.POSITIVE_INFINITY,
});

const SHORT_PAGE = 20;

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
            query: pageOf(ownerQuery(subject), pageParam, SHORT_PAGE),
          },
          signal,
        }),
      ),
    ...pages,
  });
}

/** What binds an order of the account, of one strategy's where that is named. */
export function inForceQuery(account: string, strategy: string | undefined) {
  return queryOptions({
    queryKey: ['setup', 'limits', 'in force', account, strategy],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/limits/in-force/{account_id}/', {
          params: {
            path: { account_id: account },
            query: given({ strategy_instance: strategy }),
          },
          signal,
        }),
      ),
  });
}
