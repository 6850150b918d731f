import { Button } from '@mantine/core';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { PageSkeleton } from './PageSkeleton';
import { ProblemNotice } from './ProblemNotice';

interface PagesProps<Row> {
  query: UseInfiniteQueryResult<InfiniteData<{ items: Row[] }>>;
  /** Shown where there is nothing at all. */
  empty: ReactNode;
  children: (rows: Row[]) => ReactNode;
}

/** The rows of a list as far as they were read; how it looks while loading, failing or empty. */
export function Pages<Row>({ query, empty, children }: PagesProps<Row>) {
  if (query.isPending) return <PageSkeleton />;
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      {query.isError && (
        <ProblemNotice
          error={query.error}
          onRetry={() => void query.refetch()}
          isRetrying={query.isFetching}
        />
      )}
      {query.data !== undefined && rows.length === 0 && empty}
      {rows.length > 0 && children(rows)}
      {query.hasNextPage && (
        <Button
          variant="default"
          mt="sm"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Load more
        </Button>
      )}
    </>
  );
}
