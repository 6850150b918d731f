import { Button, Group, Stack } from '@mantine/core';
import { IconFilter } from '@tabler/icons-react';
import { type ReactNode, type RefObject, useMemo, useRef } from 'react';
import { useAddressFilter, useAddressSorting } from './address';
import { type Column, rowsMatching } from './columns';
import { EmptyState } from './EmptyState';
import styles from './ListScreen.module.css';
import { ListTools } from './ListTools';
import { Pages } from './Pages';
import { PageTitle } from './PageTitle';
import { type PagedQuery, readAll, rowsOf, useAllPages } from './pages';
import { type RowCommand, useListKeys } from './useListKeys';

export interface ListScreenProps<Row extends object> {
  title: string;
  /** Names the CSV file and, for a table, the choice of columns. */
  name: string;
  query: PagedQuery<Row>;
  columns: readonly Column<Row>[];
  /** Choices above the list, beside the text filter. */
  controls?: ReactNode;
  /** What must be seen before the list, whatever is filtered. */
  notice?: ReactNode;
  /** Shown when there is nothing at all. */
  empty: ReactNode;
  /** Absent where rows cannot be decided on. */
  onRowCommand?: (command: RowCommand, rowKey: string) => void;
}

interface ListScreenBody<Row extends object> extends ListScreenProps<Row> {
  /** Whether its columns can be chosen. */
  isTable?: boolean;
  /** The rows that match; rows that can be reached by `j` and `k` carry `data-row`. */
  children: (rows: Row[], list: RefObject<HTMLElement | null>) => ReactNode;
}

/**
 * A screen that is a list: its filter, kept in the address (`filter`, which its route must take),
 * and how it looks while loading, failing or empty. All of it is read as soon as it is filtered or
 * sorted.
 */
export function ListScreen<Row extends object>(props: ListScreenBody<Row>) {
  const { title, name, query, columns, controls, notice, empty, onRowCommand, children } = props;
  const filter = useAddressFilter();
  const sorting = useAddressSorting();
  const list = useRef<HTMLElement>(null);
  const filterRef = useRef<HTMLInputElement>(null);
  useListKeys({ list, filter: filterRef, ...(onRowCommand && { onRowCommand }) });
  useAllPages(query, filter.value !== '' || sorting.value !== undefined);
  const { data } = query;
  const matching = useMemo(
    () => rowsMatching(columns, rowsOf({ data }), filter.value),
    [data, columns, filter.value],
  );
  return (
    <Stack gap="md" className={styles.screen}>
      <Group justify="space-between" align="center" gap="sm">
        <PageTitle>{title}</PageTitle>
        <Group gap="sm" className={styles.controls}>
          {controls}
          <ListTools
            name={name}
            columns={columns}
            filter={filter}
            filterRef={filterRef}
            allRows={() => readAll(query)}
            isEmpty={matching.length === 0}
            isTable={props.isTable ?? false}
          />
        </Group>
      </Group>
      {notice}
      <Pages query={query} empty={<div className="panel">{empty}</div>}>
        {() =>
          matching.length > 0 ? (
            children(matching, list)
          ) : (
            <NothingMatches onClear={() => filter.onChange('')} />
          )
        }
      </Pages>
    </Stack>
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
