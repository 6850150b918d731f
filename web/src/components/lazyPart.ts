import { type ComponentType, lazy } from 'react';
import { codeInTime } from '@/client/code';

/** When the first screen is there and the browser has time. */
const LATER_MS = 4_000;

type Load<Part> = () => Promise<{ default: Part }>;

let isLater = false;
const waiting = new Set<() => unknown>();

/**
 * A part of a screen that is seldom seen at once. Its code is fetched ahead, when the page has come
 * to rest: a desk that goes away afterwards keeps nobody from opening it.
 */
// biome-ignore lint/suspicious/noExplicitAny: as React's own `lazy`, whatever its props are.
export function lazyPart<Part extends ComponentType<any>>(load: Load<Part>) {
  let code: ReturnType<Load<Part>> | undefined;
  const fetchOnce = () => {
    code ??= codeInTime(load);
    return code;
  };
  if (isLater) void fetchOnce();
  else waiting.add(fetchOnce);
  return lazy(fetchOnce);
}

/** Starts to fetch parts ahead, soon; call the returned function to stop it before. */
export function fetchPartsLater(): () => void {
  const timer = setTimeout(() => {
    isLater = true;
    for (const fetchOnce of waiting) fetchOnce();
    waiting.clear();
  }, LATER_MS);
  return () => clearTimeout(timer);
}
