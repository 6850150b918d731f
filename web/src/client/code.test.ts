import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { codeInTime, codeOfScreen } from './code';

const LOST = new TypeError('Failed to fetch dynamically imported module');

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Whether the desk answers, from now on. */
function deskIs(there: boolean): void {
  vi.stubGlobal('fetch', () =>
    there ? Promise.resolve(new Response('{}')) : Promise.reject(LOST),
  );
}

it('says in words that a screen cannot be fetched while the desk is away', async () => {
  deskIs(false);
  await expect(codeOfScreen(() => Promise.reject(LOST))).rejects.toMatchObject({
    facts: { title: 'The desk cannot be reached', advice: 'Check the network, then try again.' },
  });
});

it('leaves code of an older version to the router, which loads the page anew', async () => {
  deskIs(true);
  await expect(codeOfScreen(() => Promise.reject(LOST))).rejects.toBe(LOST);
});

it('waits for the code of a screen no longer than for what it reads', async () => {
  const fetching = expect(codeOfScreen(() => new Promise(() => undefined))).rejects.toMatchObject({
    facts: { title: 'The desk does not answer' },
  });
  await vi.advanceTimersByTimeAsync(20_000);
  await fetching;
});

it('fetches what nobody waits for once the desk is there, and not before', async () => {
  deskIs(false);
  const load = vi.fn(() => Promise.resolve('toasts'));
  const fetching = codeInTime(load);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(load).not.toHaveBeenCalled();
  deskIs(true);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(await fetching).toBe('toasts');
});
