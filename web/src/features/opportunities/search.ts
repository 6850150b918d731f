import { oneOf, texts } from '@/lib/searchParams';

export const SHOWN = ['all', 'recommended', 'not-recommended'] as const;
export const ACTIONS = ['OPEN', 'ROLL', 'CLOSE'] as const;

export interface OpportunitiesSearch {
  strategy?: string;
  run?: string;
  action?: (typeof ACTIONS)[number];
  show?: (typeof SHOWN)[number];
  filter?: string;
  sort?: string;
}

export function parseOpportunitiesSearch(raw: Record<string, unknown>): OpportunitiesSearch {
  return {
    ...texts(raw, 'strategy', 'run'),
    ...oneOf(raw, 'action', ACTIONS),
    ...oneOf(raw, 'show', SHOWN),
    ...texts(raw, 'filter', 'sort'),
  };
}
