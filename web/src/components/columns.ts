import type { ReactNode } from 'react';
import { compareDecimals } from '@/lib/decimal';

type Value = string | number | null;

/** One column of a table: what it holds, and how it is shown, sorted, filtered and exported. */
export interface Column<Row> {
  id: string;
  header: string;
  /** What the header means, on hover. */
  hint?: string;
  /** `decimal` is exact text compared as a number; `number` and `decimal` align right. */
  kind: 'text' | 'number' | 'decimal';
  /** The bare value: sorted by, filtered by and exported. */
  value: (row: Row) => Value;
  /** What is shown; the bare value where absent. */
  cell?: (row: Row) => ReactNode;
  /** Filtered by and exported, but shown as part of another column. */
  isHidden?: boolean;
  /** Words that may take several lines, so that the last columns stay in sight. */
  wraps?: boolean;
}

/** Ascending order of two values of one column; neither is null. */
export function compareValues(
  kind: Column<never>['kind'],
  a: string | number,
  b: string | number,
): number {
  if (kind === 'number') return Number(a) - Number(b);
  if (kind === 'decimal') return compareDecimals(String(a), String(b));
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

/** Whether every word of `filter` occurs somewhere in the row. */
export function matchesFilter<Row>(
  columns: readonly Column<Row>[],
  row: Row,
  filter: string,
): boolean {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const text = columns
    .map((column) => String(column.value(row) ?? ''))
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

export function exportRows<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[][] {
  return rows.map((row) => columns.map((column) => String(column.value(row) ?? '')));
}
