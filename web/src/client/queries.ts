/**
 * Every read of the desk: one key root per screen, so that a change notice can find its readers.
 * While a new choice loads, the rows of the last one are never shown in its place: they may be
 * another client's.
 */
import { infiniteQueryOptions, type QueryClient, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './api';
import type { AlertState, Desk, OrderState, RecommendationState, Severity } from './schema';

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

/** Soon there, and more than a screen shows. */
const FIRST_PAGE = 100;
/** What follows is read to be sorted, filtered or exported: in few requests. */
const NEXT_PAGE = 1_000;

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

/** How a list goes on after its first page. */
export const pages = {
  initialPageParam: undefined as string | undefined,
  getNextPageParam: (page: { next_cursor: string | null }) => page.next_cursor ?? undefined,
};

/** What asks for the page at `cursor`, the first where there is none. */
export function pageOf<T extends object>(
  filters: T,
  cursor: string | undefined,
  limit = cursor === undefined ? FIRST_PAGE : NEXT_PAGE,
) {
  return { ...given({ ...filters, cursor }), limit };
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
        api.GET('/api/recommendations/', { params: { query: pageOf(filters, pageParam) }, signal }),
      ),
    ...pages,
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

/** What was traded, and when: an underlying, and days of the exchange, both included. */
export interface TradedFilters {
  symbol: string | undefined;
  since: string | undefined;
  until: string | undefined;
}

export function ordersQuery(filters: Filters<OrderState> & Partial<TradedFilters>) {
  return infiniteQueryOptions({
    queryKey: ['orders', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(api.GET('/api/orders/', { params: { query: pageOf(filters, pageParam) }, signal })),
    ...pages,
  });
}

export function orderQuery(id: string) {
  return queryOptions({
    queryKey: ['orders', 'one', id],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/orders/{order_id}/', { params: { path: { order_id: id } }, signal })),
  });
}

interface ExecutionFilters extends TradedFilters {
  client: string | undefined;
  account: string | undefined;
  order: string | undefined;
}

export function executionsQuery(filters: ExecutionFilters) {
  return infiniteQueryOptions({
    queryKey: ['executions', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/executions/', { params: { query: pageOf(filters, pageParam) }, signal }),
      ),
    ...pages,
  });
}

export function alertsQuery(filters: Filters<AlertState> & { severity?: Severity[] | undefined }) {
  return infiniteQueryOptions({
    queryKey: ['alerts', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(api.GET('/api/alerts/', { params: { query: pageOf(filters, pageParam) }, signal })),
    ...pages,
  });
}

/** Marks everything under `roots` as out of date; what is on screen is read again at once. */
export async function refresh(queries: QueryClient, roots: Iterable<KeyRoot>): Promise<void> {
  await Promise.all([...roots].map((root) => queries.invalidateQueries({ queryKey: [root] })));
}
