import { text } from '@/lib/searchParams';

export interface StrategiesSearch {
  account?: string;
  filter?: string;
}

export function parseStrategiesSearch(raw: Record<string, unknown>): StrategiesSearch {
  return { ...text(raw, 'account'), ...text(raw, 'filter') };
}
