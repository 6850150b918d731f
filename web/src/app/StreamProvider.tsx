import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useEffect, useState } from 'react';
import { batched } from '@/client/batch';
import { readersOf } from '@/client/changes';
import { StreamContext } from '@/client/hooks';
import { type KeyRoot, meQuery, refresh } from '@/client/queries';
import { DeskStream } from '@/client/stream';

const STREAM_PATH = '/api/stream/';
const BATCH_MS = 80;
/** A laptop that slept has missed notices, whatever its socket believes. */
const ASLEEP_MS = 30_000;

/** Keeps the live connection open for as long as the frame is on screen. */
export function StreamProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [stream] = useState(() => {
    const refreshSoon = batched<KeyRoot>((roots) => void refresh(queries, roots), BATCH_MS);
    return new DeskStream({
      open: () => new EventSource(STREAM_PATH),
      onChange: (change) => refreshSoon(readersOf(change.table)),
      onCaughtUp: () => refreshSoon(readersOf('*')),
      // Asking who is signed in leads to the login if nobody is.
      onRefused: () =>
        void queries.fetchQuery({ ...meQuery, staleTime: 0, retry: false }).catch(() => undefined),
    });
  });

  useEffect(() => {
    stream.connect();
    let hiddenAt = 0;
    let leaving: ReturnType<typeof setTimeout>;
    const onVisibility = () => {
      clearTimeout(leaving);
      if (document.visibilityState === 'hidden') {
        hiddenAt = Date.now();
        // All tabs share the browser's six connections to the desk: one unseen gives its own up.
        leaving = setTimeout(stream.close, ASLEEP_MS);
      } else if (Date.now() - hiddenAt >= ASLEEP_MS) stream.connect();
    };
    document.addEventListener('visibilitychange', onVisibility);
    window.addEventListener('online', stream.connect);
    return () => {
      clearTimeout(leaving);
      document.removeEventListener('visibilitychange', onVisibility);
      window.removeEventListener('online', stream.connect);
      stream.close();
    };
  }, [stream]);

  return <StreamContext value={stream}>{children}</StreamContext>;
}
