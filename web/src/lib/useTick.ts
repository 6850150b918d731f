import { useSyncExternalStore } from 'react';

const SECOND_MS = 1_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let tickedAt = performance.now();

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    tickedAt = performance.now();
    timer = setInterval(() => {
      tickedAt = performance.now();
      for (const each of listeners) each();
    }, SECOND_MS);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

/** The browser's monotonic clock, renewed once a second for all countdowns together. */
export function useTick(): number {
  return useSyncExternalStore(subscribe, () => tickedAt);
}
