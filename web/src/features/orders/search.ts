import type { OrderState } from '@/client/schema';
import type { Traded } from '@/components/TradedFilter';
import { manyOf, texts } from '@/lib/searchParams';
import { ORDER_STATES } from '@/lib/states';

export const ALL_ORDER_STATES = Object.keys(ORDER_STATES) as OrderState[];

export interface OrdersSearch extends Traded {
  state?: OrderState[];
  account?: string;
  filter?: string;
  sort?: string;
}

export function parseOrdersSearch(raw: Record<string, unknown>): OrdersSearch {
  return {
    ...manyOf(raw, 'state', ALL_ORDER_STATES),
    ...texts(raw, 'account', 'symbol', 'since', 'until', 'filter', 'sort'),
  };
}
