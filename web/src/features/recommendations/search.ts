import type { RecommendationState } from '@/client/schema';
import { oneOf, texts } from '@/lib/searchParams';

export const VIEWS = ['decide', 'working', 'closed', 'all'] as const;
export type View = (typeof VIEWS)[number];

export interface QueueSearch {
  show?: View;
  account?: string;
  filter?: string;
  sort?: string;
}

export interface CardSearch {
  /** The dialog to open on arrival. */
  act?: 'approve' | 'reject';
}

/** The states behind each view; undefined is all of them. */
export const STATES_OF: Record<View, RecommendationState[] | undefined> = {
  decide: ['PROPOSED'],
  working: ['APPROVED'],
  closed: ['COMPLETED', 'LAPSED', 'DENIED', 'REJECTED', 'EXPIRED', 'SUPERSEDED'],
  all: undefined,
};

export function parseQueueSearch(raw: Record<string, unknown>): QueueSearch {
  return {
    ...oneOf(raw, 'show', VIEWS),
    ...texts(raw, 'account', 'filter', 'sort'),
  };
}

export function parseCardSearch(raw: Record<string, unknown>): CardSearch {
  return oneOf(raw, 'act', ['approve', 'reject'] as const);
}
