/**
 * Single-key commands of a list. Moving means moving the focus to a row's link, so Enter needs no
 * rule of its own and a screen reader follows.
 */

export type ListCommand = 'next' | 'previous' | 'approve' | 'reject' | 'filter';

interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

const COMMANDS: Readonly<Record<string, ListCommand>> = {
  j: 'next',
  k: 'previous',
  a: 'approve',
  r: 'reject',
  '/': 'filter',
};

/** The command of a key press; null for keys of the browser, of a text field or of nobody. */
export function commandOf(press: KeyPress, target: EventTarget | null): ListCommand | null {
  if (press.ctrlKey || press.metaKey || press.altKey || isTyping(target)) return null;
  return COMMANDS[press.key] ?? null;
}

/** Where `command` moves the selection in a list of `length`; −1 is nothing selected. */
export function moved(index: number, command: ListCommand, length: number): number {
  if (length === 0) return -1;
  switch (command) {
    case 'next':
      return Math.min(index + 1, length - 1);
    case 'previous':
      return index <= 0 ? 0 : Math.min(index, length) - 1;
    default:
      return Math.min(index, length - 1);
  }
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches('input, textarea, select, [role="combobox"]');
}
