import { QueryObserver } from '@tanstack/react-query';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createQueryClient } from '@/app/queryClient';
import { answerOf, api, isWorthRetrying } from './api';
import { meQuery } from './queries';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A desk that takes every request and answers none. */
function silentDesk(): void {
  vi.stubGlobal(
    'fetch',
    vi.fn(
      (_: Request, { signal }: RequestInit) =>
        new Promise((_resolve, reject) => {
          if (signal?.aborted) reject(signal.reason);
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
    ),
  );
}

it('gives up a read that is never answered, in words and without asking again', async () => {
  silentDesk();
  const screen = new QueryObserver(createQueryClient(), meQuery);
  const leave = screen.subscribe(() => undefined);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(screen.getCurrentResult().error).toMatchObject({
    facts: { code: 'NO_ANSWER_IN_TIME', advice: 'Try again. If it stays, tell the operator.' },
  });
  expect(globalThis.fetch).toHaveBeenCalledTimes(1);
  leave();
});

it('gives up an answer that stops half-way', async () => {
  vi.stubGlobal('fetch', (_: Request, { signal }: RequestInit) => {
    const body = new ReadableStream({
      start: (stream) => signal?.addEventListener('abort', () => stream.error(signal.reason)),
    });
    return Promise.resolve(new Response(body, { headers: { 'Content-Type': 'application/json' } }));
  });
  const reading = expect(answerOf(api.GET('/api/auth/me/'))).rejects.toMatchObject({
    facts: { code: 'NO_ANSWER_IN_TIME' },
  });
  await vi.advanceTimersByTimeAsync(20_000);
  await reading;
});

it('takes the word of a proxy for a desk that is away, and asks again', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response('', { status: 502 })));
  const failure: unknown = await answerOf(api.GET('/api/auth/me/')).catch((error) => error);
  expect(failure).toMatchObject({ facts: { title: 'The desk cannot be reached' } });
  expect(isWorthRetrying(failure)).toBe(true);
});

it('waits longer for a command, and lets a read be cancelled without a word of failure', async () => {
  silentDesk();
  let isOver = false;
  const command = answerOf(api.POST('/api/auth/logout/')).catch(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(100_000);
  await command;
  expect(isOver).toBe(true);

  const leaving = new AbortController();
  const reading = expect(
    answerOf(api.GET('/api/auth/me/', { signal: leaving.signal })),
  ).rejects.toMatchObject({ name: 'AbortError' });
  leaving.abort();
  await reading;
});
