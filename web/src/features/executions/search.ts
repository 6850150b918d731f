import { text } from '@/lib/searchParams';

export interface ExecutionsSearch {
  account?: string;
  order?: string;
  filter?: string;
  sort?: string;
}

export function parseExecutionsSearch(raw: Record<string, unknown>): ExecutionsSearch {
  return {
    ...text(raw, 'account'),
    ...text(raw, 'order'),
    ...text(raw, 'filter'),
    ...text(raw, 'sort'),
  };
}
