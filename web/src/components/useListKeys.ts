import { type RefObject, useEffect, useEffectEvent } from 'react';
import { commandOf, moved } from '@/lib/keyboard';

export type RowCommand = 'approve' | 'reject';

interface ListKeys {
  list: RefObject<HTMLElement | null>;
  filter: RefObject<HTMLInputElement | null>;
  /** Absent where rows cannot be decided on. */
  onRowCommand?: (command: RowCommand, rowKey: string) => void;
}

/** Its link, so that Enter opens it; a row that leads nowhere takes the focus itself. */
function focusOn(row: HTMLElement | undefined): void {
  const link = row?.querySelector<HTMLElement>('a, button');
  if (row !== undefined && link == null) row.tabIndex = -1;
  (link ?? row)?.focus();
}

/** `j` / `k` move between rows, `/` goes to the filter, `a` / `r` act on the row in focus. */
export function useListKeys({ list, filter, onRowCommand }: ListKeys): void {
  const onKey = useEffectEvent((event: KeyboardEvent) => {
    // A dialog has the keyboard to itself.
    if (document.querySelector('[role="dialog"]') !== null) return;
    const command = commandOf(event, event.target);
    if (command === null || event.defaultPrevented) return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
    const index = rows.findIndex((row) => row.contains(document.activeElement));
    if (command === 'filter') {
      event.preventDefault();
      filter.current?.focus();
    } else if (command === 'next' || command === 'previous') {
      focusOn(rows[moved(index, command, rows.length)]);
    } else {
      const rowKey = rows[index]?.dataset.row;
      if (rowKey !== undefined) onRowCommand?.(command, rowKey);
    }
  });

  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey(event);
    window.addEventListener('keydown', listener);
    return () => window.removeEventListener('keydown', listener);
  }, []);
}
