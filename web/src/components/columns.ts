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

/** Made once: a collator of its own for each comparison would make a long table wait. */
const natural = new Intl.Collator('en', { numeric: true });

/** Ascending order of two values of one column; neither is null. */
export function compareValues(
  kind: Column<never>['kind'],
  a: string | number,
  b: string | number,
): number {
  if (kind === 'text') return natural.compare(String(a), String(b));
  const rough = Number(a) - Number(b);
  // What floats tell apart is apart; what they do not may still differ in the last digits.
  return rough !== 0 || kind === 'number' || a === b
    ? rough
    : compareDecimals(String(a), String(b));
}

/** What a row says in all of its columns, kept for as long as the row is. */
const texts = new WeakMap<object, { columns: unknown; text: string }>();

function textOf<Row extends object>(columns: readonly Column<Row>[], row: Row): string {
  const kept = texts.get(row);
  if (kept?.columns === columns) return kept.text;
  const text = columns
    .map((column) => String(column.value(row) ?? ''))
    .join(' ')
    .toLowerCase();
  texts.set(row, { columns, text });
  return text;
}

/** The rows in which every word of `filter` occurs somewhere. */
export function rowsMatching<Row extends object>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  filter: string,
): Row[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const text = textOf(columns, row);
    return words.every((word) => text.includes(word));
  });
}

export function exportRows<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string[][] {
  return rows.map((row) => columns.map((column) => String(column.value(row) ?? '')));
}
