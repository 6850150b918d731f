/**
 * Every read of the desk: one key root per screen, so that a change notice can find its readers.
 * While a new choice loads, the rows of the last one are never shown in its place: they may be
 * another client's.
 */
import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './api';
import type { AlertState, Desk, OrderState, RecommendationState } from './schema';

export type KeyRoot =
  | 'me'
  | 'desk'
  | 'dashboard'
  | 'portfolio'
  | 'recommendations'
  | 'orders'
  | 'executions'
  | 'alerts'
  | 'stopping'
  | 'strategies'
  | 'outlook'
  | 'opportunities'
  | 'backtests'
  | 'chains'
  | 'journal'
  | 'setup';

export const PAGE_SIZE = 100;

/** `undefined` filters are left out of the address. */
export interface Filters<State> {
  client: string | undefined;
  account: string | undefined;
  state: State[] | undefined;
}

/** `filters` without those that are not set. */
export function given<T extends object>(filters: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(filters).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/auth/me/', { signal })),
});

/** The desk, with the moment it was read on the browser's monotonic clock. */
export interface DeskReading {
  desk: Desk;
  readAt: number;
}

export function deskQuery(client: string | undefined) {
  return queryOptions({
    queryKey: ['desk', { client }],
    queryFn: async ({ signal }): Promise<DeskReading> => {
      const desk = await answerOf(
        api.GET('/api/desk/', { params: { query: given({ client }) }, signal }),
      );
      return { desk, readAt: performance.now() };
    },
  });
}

export function recommendationsQuery(filters: Filters<RecommendationState>) {
  return infiniteQueryOptions({
    queryKey: ['recommendations', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/recommendations/', {
          params: { query: { ...given({ ...filters, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function recommendationQuery(id: string) {
  return queryOptions({
    queryKey: ['recommendations', 'one', id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/recommendations/{recommendation_id}/', {
          params: { path: { recommendation_id: id } },
          signal,
        }),
      ),
  });
}

export function ordersQuery(filters: Filters<OrderState>) {
  return infiniteQueryOptions({
    queryKey: ['orders', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/orders/', {
          params: { query: { ...given({ ...filters, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function orderQuery(id: string) {
  return queryOptions({
    queryKey: ['orders', 'one', id],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/orders/{order_id}/', { params: { path: { order_id: id } }, signal })),
  });
}

interface ExecutionFilters {
  client: string | undefined;
  account: string | undefined;
  order: string | undefined;
}

export function executionsQuery(filters: ExecutionFilters) {
  return infiniteQueryOptions({
    queryKey: ['executions', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/executions/', {
          params: { query: { ...given({ ...filters, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

export function alertsQuery(filters: Filters<AlertState>) {
  return infiniteQueryOptions({
    queryKey: ['alerts', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/alerts/', {
          params: { query: { ...given({ ...filters, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}

/** Marks everything under `roots` as out of date; what is on screen is read again at once. */
export async function refresh(queries: QueryClient, roots: Iterable<KeyRoot>): Promise<void> {
  await Promise.all([...roots].map((root) => queries.invalidateQueries({ queryKey: [root] })));
}
