import { describe, expect, it } from 'vitest';
import { commandOf, moved } from './keyboard';

const press = (key: string, modifiers = {}) => ({
  key,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  ...modifiers,
});

describe('single-key commands', () => {
  it('are j, k, a, r and /', () => {
    const keys = ['j', 'k', 'a', 'r', '/', 'x'];
    expect(keys.map((key) => commandOf(press(key), document.body))).toEqual([
      'next',
      'previous',
      'approve',
      'reject',
      'filter',
      null,
    ]);
  });

  it('leave typing alone', () => {
    for (const tag of ['input', 'textarea', 'select']) {
      expect(commandOf(press('a'), document.createElement(tag))).toBeNull();
    }
  });

  it('leave the browser’s own shortcuts alone', () => {
    expect(commandOf(press('r', { metaKey: true }), document.body)).toBeNull();
    expect(commandOf(press('r', { ctrlKey: true }), document.body)).toBeNull();
  });
});

describe('moving in a list', () => {
  it('starts at the first row in either direction', () => {
    expect(moved(-1, 'next', 3)).toBe(0);
    expect(moved(-1, 'previous', 3)).toBe(0);
  });

  it('stops at both ends', () => {
    expect(moved(2, 'next', 3)).toBe(2);
    expect(moved(0, 'previous', 3)).toBe(0);
  });

  it('selects nothing in an empty list', () => {
    expect(moved(-1, 'next', 0)).toBe(-1);
  });
});
