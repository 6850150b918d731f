import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { showTips } from './tips';

let stop: () => void;
let bubble: HTMLElement;

beforeEach(() => {
  vi.useFakeTimers();
  document.body.innerHTML = `
    <button id="one" data-tip="The first" aria-describedby="own"><i id="inside"></i></button>
    <button id="two" data-tip="The second"></button>
    <p id="plain"></p>
    <div id="bubble" role="tooltip"></div>`;
  bubble = found('bubble');
  stop = showTips(bubble);
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

function found(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`no #${id}`);
  return element;
}

function pointAt(id: string): void {
  found(id).dispatchEvent(new Event('pointerover', { bubbles: true }));
  vi.runAllTimers();
}

const described = (id: string) => found(id).getAttribute('aria-describedby');

it('tells what is pointed at, beside what described it before, and takes it back', () => {
  pointAt('inside');
  expect(bubble.textContent).toBe('The first');
  expect(described('one')).toBe('own bubble');

  pointAt('two');
  expect(bubble.textContent).toBe('The second');
  expect(described('one')).toBe('own');
  expect(described('two')).toBe('bubble');

  pointAt('plain');
  expect(described('two')).toBeNull();
});

it('stays while the pointer rests on it and goes with Escape', () => {
  pointAt('two');
  pointAt('bubble');
  expect(described('two')).toBe('bubble');

  document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }));
  expect(described('two')).toBeNull();
});
