import type { BacktestRow } from '@/client/schema';
import { formatDate } from '@/lib/time';

export const SOURCE_WORDS = {
  DESK: 'Desk',
  COMMAND_LINE: 'Command line',
  TEMPORAL: 'Temporal',
} as const satisfies Record<BacktestRow['source'], string>;

/** `25 Apr 2019 to 13 Jun 2019`, the sessions it has seen. */
export function spanWords(stats: BacktestRow['stats']): string {
  const { first_session: first, last_session: last } = stats;
  if (typeof first !== 'string' || typeof last !== 'string') return '';
  return `${formatDate(first)} to ${formatDate(last)}`;
}

/** `max_delta` → `Max delta`, `fills.kind` → `Fills · kind`. */
export function settingWords(name: string): string {
  const words = name
    .replace(/^config\./, '')
    .replaceAll('_', ' ')
    .replaceAll('.', ' · ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function valueWords(value: unknown): string {
  if (value === null || value === undefined || value === '') return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? '–' : value.map(valueWords).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Every setting of a request with its dotted name. */
export function flat(request: Readonly<Record<string, unknown>>, before = ''): [string, unknown][] {
  return Object.entries(request).flatMap(([name, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? flat(value as Record<string, unknown>, `${before}${name}.`)
      : [[`${before}${name}`, value]],
  );
}
