import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given, pageOf, pages } from '@/client/queries';
import type { BacktestSource, RunStatus } from '@/client/schema';

interface Filters {
  client?: string | undefined;
  status?: RunStatus[] | undefined;
  source?: BacktestSource[] | undefined;
  strategy?: string | undefined;
  sweep?: string | undefined;
}

export function backtestsQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ['backtests', 'list', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/backtests/', {
          params: { query: pageOf(filters, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}

export function sweepsQuery(filters: { client: string | undefined }) {
  return infiniteQueryOptions({
    queryKey: ['backtests', 'sweeps', filters],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/backtests/sweeps/', {
          params: { query: pageOf(filters, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}

export function backtestQuery(id: string) {
  return queryOptions({
    queryKey: ['backtests', 'one', id],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/backtests/{run_id}/', { params: { path: { run_id: id } }, signal })),
  });
}

export function sweepQuery(id: string) {
  return queryOptions({
    queryKey: ['backtests', 'sweep', id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/backtests/sweeps/{sweep_id}/', {
          params: { path: { sweep_id: id } },
          signal,
        }),
      ),
  });
}

export function comparisonQuery(ids: string[]) {
  return queryOptions({
    queryKey: ['backtests', 'compare', ids],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/backtests/compare/', { params: { query: { ids } }, signal })),
  });
}

/** What a complete backtest found never changes: no notice makes it out of date. */
export function equityQuery(id: string) {
  return queryOptions({
    queryKey: ['backtest results', 'equity', id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/backtests/{run_id}/equity/', { params: { path: { run_id: id } }, signal }),
      ),
  });
}

export type Table = 'trades' | 'events' | 'denials' | 'skipped';

export function tableQuery(id: string, name: Table) {
  return queryOptions({
    queryKey: ['backtest results', name, id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/backtests/{run_id}/tables/{name}/', {
          params: { path: { run_id: id, name } },
          signal,
        }),
      ),
  });
}

const MOST_RECORDINGS = 200;

export const recordingsQuery = queryOptions({
  queryKey: ['backtests', 'recordings'],
  queryFn: async ({ signal }) => {
    const found = [];
    let cursor: string | undefined;
    do {
      const page = await answerOf(
        api.GET('/api/backtests/recordings/', {
          params: { query: { ...given({ cursor }), limit: MOST_RECORDINGS } },
          signal,
        }),
      );
      found.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return found;
  },
});
