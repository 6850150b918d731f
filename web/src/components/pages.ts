/** Lists that come in pages: as much of them as is wanted, read one page after the other. */
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { useEffect } from 'react';

export type PagedQuery<Row> = UseInfiniteQueryResult<InfiniteData<{ items: Row[] }>>;

export function rowsOf<Row>({ data }: Pick<PagedQuery<Row>, 'data'>): Row[] {
  return data?.pages.flatMap((page) => page.items) ?? [];
}

/** So many pages are read unasked; a trail of years goes on when somebody asks for more. */
const MOST_PAGES = 20;

/**
 * Goes on reading for as long as `isWanted`: what a list is filtered or sorted by must not depend
 * on how much of it was scrolled to.
 */
export function useAllPages<Row>(query: PagedQuery<Row>, isWanted: boolean): void {
  const { hasNextPage, isFetching, isError, fetchNextPage } = query;
  const isMore = hasNextPage && (query.data?.pages.length ?? 0) < MOST_PAGES;
  useEffect(() => {
    if (isWanted && isMore && !isFetching && !isError) void fetchNextPage();
  }, [isWanted, isMore, isFetching, isError, fetchNextPage]);
}

/** Every row there is, those included that nobody has looked at yet. */
export async function readAll<Row>(query: PagedQuery<Row>): Promise<Row[]> {
  let read: Pick<PagedQuery<Row>, 'data' | 'hasNextPage' | 'fetchNextPage'> = query;
  while (read.hasNextPage) read = await read.fetchNextPage({ throwOnError: true });
  return rowsOf(read);
}
