import { manyOf, oneOf, texts } from '@/lib/searchParams';

export const STATUSES = ['RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'] as const;
export const SOURCES = ['DESK', 'COMMAND_LINE', 'TEMPORAL'] as const;
export const LISTS = ['runs', 'sweeps'] as const;
export const VIEWS = ['overview', 'trades', 'report', 'settings'] as const;

export interface BacktestsSearch {
  list?: (typeof LISTS)[number];
  status?: (typeof STATUSES)[number][];
  source?: (typeof SOURCES)[number];
  strategy?: string;
  filter?: string;
  sort?: string;
}

export function parseBacktestsSearch(raw: Record<string, unknown>): BacktestsSearch {
  return {
    ...oneOf(raw, 'list', LISTS),
    ...manyOf(raw, 'status', STATUSES),
    ...oneOf(raw, 'source', SOURCES),
    ...texts(raw, 'strategy', 'filter', 'sort'),
  };
}

export interface CompareSearch {
  ids?: string[];
}

export function parseCompareSearch({ ids }: Record<string, unknown>): CompareSearch {
  const asked = (Array.isArray(ids) ? ids : [ids]).filter((id) => typeof id === 'string');
  return asked.length === 0 ? {} : { ids: asked };
}
