import { Button } from '@mantine/core';
import { useEffect, useEffectEvent, useRef } from 'react';
import type { PagedQuery } from './pages';

/** How far below the window the end of a list may be when the next page is read. */
const AHEAD = '800px';

/** Reads on when the end of a list comes near; the button is for those who do not scroll. */
export function MoreRows<Row>({ query, label }: { query: PagedQuery<Row>; label?: string }) {
  const end = useRef<HTMLDivElement>(null);
  const isWaiting = query.hasNextPage && !query.isFetching && !query.isError;
  const onNear = useEffectEvent(() => void query.fetchNextPage());
  useEffect(() => {
    if (!isWaiting || end.current === null || !('IntersectionObserver' in window)) return;
    // Made anew after each page: an end that stays in sight is told again.
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting)) onNear();
      },
      { rootMargin: AHEAD },
    );
    watch.observe(end.current);
    return () => watch.disconnect();
  }, [isWaiting]);
  if (!query.hasNextPage) return null;
  return (
    <div ref={end}>
      <Button
        variant="default"
        mt="sm"
        loading={query.isFetchingNextPage}
        onClick={() => void query.fetchNextPage()}
      >
        {label ?? 'Load more'}
      </Button>
    </div>
  );
}
