import type { OrderState } from '@/client/schema';
import { manyOf, text } from '@/lib/searchParams';
import { ORDER_STATES } from '@/lib/states';

export const ALL_ORDER_STATES = Object.keys(ORDER_STATES) as OrderState[];

export interface OrdersSearch {
  state?: OrderState[];
  account?: string;
  filter?: string;
  sort?: string;
}

export function parseOrdersSearch(raw: Record<string, unknown>): OrdersSearch {
  return {
    ...manyOf(raw, 'state', ALL_ORDER_STATES),
    ...text(raw, 'account'),
    ...text(raw, 'filter'),
    ...text(raw, 'sort'),
  };
}
