import { texts } from '@/lib/searchParams';

export interface StrategiesSearch {
  account?: string;
  filter?: string;
  sort?: string;
}

export function parseStrategiesSearch(raw: Record<string, unknown>): StrategiesSearch {
  return texts(raw, 'account', 'filter', 'sort');
}
