import { oneOf, texts } from '@/lib/searchParams';

/** How the actions of the audit trail begin, in words. */
export const ACTS = {
  'recommendation.': 'Decisions',
  'order.': 'Orders',
  'trading_state.': 'Trading state',
  'limits.': 'Limits',
  strategy: 'Strategies',
  'user.': 'Users',
  'role.': 'Roles',
  session: 'Sessions',
} as const;

export type Act = keyof typeof ACTS;
export const ALL_ACTS = Object.keys(ACTS) as Act[];

export interface LogSearch {
  /** Of the audit trail alone. */
  act?: Act;
  filter?: string;
  sort?: string;
}

export function parseLogSearch(raw: Record<string, unknown>): LogSearch {
  return { ...oneOf(raw, 'act', ALL_ACTS), ...texts(raw, 'filter', 'sort') };
}
