import { useSyncExternalStore } from 'react';

/** Which columns of a table a person has put away, kept for the next visit. */
const PREFIX = 'greenlight-columns-';
const NONE: ReadonlySet<string> = new Set();

const listeners = new Set<() => void>();
const read = new Map<string, ReadonlySet<string>>();

export function hiddenColumns(table: string): ReadonlySet<string> {
  let hidden = read.get(table);
  if (hidden === undefined) {
    hidden = stored(table);
    read.set(table, hidden);
  }
  return hidden;
}

export function toggleColumn(table: string, column: string): void {
  const hidden = new Set(hiddenColumns(table));
  if (!hidden.delete(column)) hidden.add(column);
  read.set(table, hidden);
  try {
    window.localStorage.setItem(PREFIX + table, [...hidden].join(','));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

export function useHiddenColumns(table: string | undefined): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => (table === undefined ? NONE : hiddenColumns(table)));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function stored(table: string): ReadonlySet<string> {
  try {
    const text = window.localStorage.getItem(PREFIX + table);
    return text === null ? NONE : new Set(text.split(',').filter(Boolean));
  } catch {
    return NONE;
  }
}
