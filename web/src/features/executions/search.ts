import type { Traded } from '@/components/TradedFilter';
import { texts } from '@/lib/searchParams';

export interface ExecutionsSearch extends Traded {
  account?: string;
  order?: string;
  filter?: string;
  sort?: string;
}

export function parseExecutionsSearch(raw: Record<string, unknown>): ExecutionsSearch {
  return texts(raw, 'account', 'order', 'symbol', 'since', 'until', 'filter', 'sort');
}
