import { Button, Group, Stack, Title } from '@mantine/core';
import { IconDownload, IconFilter } from '@tabler/icons-react';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode, RefObject } from 'react';
import { download, toCsv } from '@/lib/csv';
import { ColumnChooser } from './ColumnChooser';
import { type Column, exportRows, matchesFilter } from './columns';
import { EmptyState } from './EmptyState';
import { FilterInput } from './FilterInput';
import styles from './ListScreen.module.css';
import { PageSkeleton } from './PageSkeleton';
import { ProblemNotice } from './ProblemNotice';

interface ListScreenProps<Row> {
  title: string;
  query: UseInfiniteQueryResult<InfiniteData<{ items: Row[] }>>;
  columns: readonly Column<Row>[];
  /** Choices above the list, beside the text filter. */
  controls?: ReactNode;
  filter: string;
  onFilter: (filter: string) => void;
  filterRef?: RefObject<HTMLInputElement | null>;
  /** What must be seen before the list, whatever is filtered. */
  notice?: ReactNode;
  /** Shown when there is nothing at all. */
  empty: ReactNode;
  /** The name of its table, where a person may choose the columns. */
  table?: string;
  children: (rows: Row[]) => ReactNode;
}

/** A screen that is a list: its filters, and how it looks while loading, failing or empty. */
export function ListScreen<Row>(props: ListScreenProps<Row>) {
  const { title, query, columns, controls, filter, onFilter, filterRef } = props;
  const all = query.data?.pages.flatMap((page) => page.items) ?? [];
  const rows = all.filter((row) => matchesFilter(columns, row, filter));
  const exportCsv = () => {
    const header = columns.map((column) => column.header);
    download(`${title.toLowerCase()}.csv`, toCsv(header, exportRows(columns, rows)));
  };
  return (
    <Stack gap="md" className={styles.screen}>
      <Group justify="space-between" align="center" gap="sm">
        <Title order={1}>{title}</Title>
        <Group gap="sm" className={styles.controls}>
          {controls}
          <FilterInput value={filter} onChange={onFilter} inputRef={filterRef} />
          {props.table !== undefined && <ColumnChooser table={props.table} columns={columns} />}
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            onClick={exportCsv}
            disabled={rows.length === 0}
          >
            CSV
          </Button>
        </Group>
      </Group>
      {props.notice}
      <Body {...props} all={all} rows={rows} />
    </Stack>
  );
}

function Body<Row>({
  query,
  all,
  rows,
  empty,
  onFilter,
  children,
}: ListScreenProps<Row> & { all: Row[]; rows: Row[] }) {
  const retry = () => void query.refetch();
  if (query.isPending) return <PageSkeleton />;
  return (
    <>
      {query.isError && (
        <ProblemNotice error={query.error} onRetry={retry} isRetrying={query.isFetching} />
      )}
      {query.data !== undefined && all.length === 0 && <div className="panel">{empty}</div>}
      {all.length > 0 && rows.length === 0 && <NothingMatches onClear={() => onFilter('')} />}
      {rows.length > 0 && children(rows)}
      {query.hasNextPage && (
        <Button
          variant="default"
          loading={query.isFetchingNextPage}
          onClick={() => void query.fetchNextPage()}
        >
          Load more
        </Button>
      )}
    </>
  );
}

function NothingMatches({ onClear }: { onClear: () => void }) {
  return (
    <div className="panel">
      <EmptyState
        icon={IconFilter}
        title="Nothing matches the filter"
        action={
          <Button variant="default" onClick={onClear}>
            Clear the filter
          </Button>
        }
      >
        There are rows here, but none with all of these words.
      </EmptyState>
    </div>
  );
}
