import type { ReactNode } from 'react';
import { Failure } from './Failure';
import { MoreRows } from './MoreRows';
import { PageSkeleton } from './PageSkeleton';
import { type PagedQuery, rowsOf } from './pages';

interface PagesProps<Row> {
  query: PagedQuery<Row>;
  /** Shown where there is nothing at all. */
  empty: ReactNode;
  children: (rows: Row[]) => ReactNode;
}

/** The rows of a list as far as they were read; how it looks while loading, failing or empty. */
export function Pages<Row>({ query, empty, children }: PagesProps<Row>) {
  if (query.isPending) return <PageSkeleton />;
  const rows = rowsOf(query);
  return (
    <>
      <Failure query={query} />
      {query.data !== undefined && rows.length === 0 && empty}
      {rows.length > 0 && children(rows)}
      <MoreRows query={query} />
    </>
  );
}
