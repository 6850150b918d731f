import { lazy, Suspense, useEffect, useState } from 'react';
import { codeInTime } from '@/client/code';

// Nothing around it would catch a failure: the whole page would be gone.
const Toasts = lazy(() =>
  codeInTime(() => import('./Toasts')).then(({ Toasts }) => ({ default: Toasts })),
);

const LATEST_MS = 4_000;

/** The announcements, fetched once the first screen is there and the browser has time. */
export function LazyToasts() {
  const [isTime, setIsTime] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsTime(true), LATEST_MS);
    return () => clearTimeout(timer);
  }, []);
  return <Suspense fallback={null}>{isTime && <Toasts />}</Suspense>;
}
