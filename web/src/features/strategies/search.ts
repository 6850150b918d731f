import { text } from '@/lib/searchParams';

export interface StrategiesSearch {
  account?: string;
  filter?: string;
  sort?: string;
}

export function parseStrategiesSearch(raw: Record<string, unknown>): StrategiesSearch {
  return { ...text(raw, 'account'), ...text(raw, 'filter'), ...text(raw, 'sort') };
}
