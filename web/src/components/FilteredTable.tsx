import { Group, Stack, Text } from '@mantine/core';
import { type ReactNode, useMemo, useRef } from 'react';
import { formatCount } from '@/lib/numbers';
import { useAddressFilter, useAddressSorting } from './address';
import { type Column, rowsMatching } from './columns';
import { DataTable } from './DataTable';
import { ListTools } from './ListTools';
import { useListKeys } from './useListKeys';

interface FilteredTableProps<Row extends object> {
  /** Names the CSV file and the choice of columns. */
  name: string;
  label: string;
  columns: readonly Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  card: (row: Row) => ReactNode;
  isAlarming?: (row: Row) => boolean;
  /** Choices beside the filter. */
  controls?: ReactNode;
}

/**
 * A table whose rows are all at hand: filtered and sorted in the address (`filter` and `sort`,
 * which its route must take), its columns chosen, the rows that match exported.
 */
export function FilteredTable<Row extends object>(props: FilteredTableProps<Row>) {
  const { name, label, columns, rows, controls, ...table } = props;
  const filter = useAddressFilter();
  const sorting = useAddressSorting();
  const list = useRef<HTMLElement>(null);
  const filterRef = useRef<HTMLInputElement>(null);
  useListKeys({ list, filter: filterRef });
  const shown = useMemo(
    () => rowsMatching(columns, rows, filter.value),
    [rows, columns, filter.value],
  );
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed" role="status">
          {shown.length === rows.length
            ? `${formatCount(rows.length)} ${rows.length === 1 ? 'row' : 'rows'}`
            : `${formatCount(shown.length)} of ${formatCount(rows.length)} rows`}
        </Text>
        <Group gap="sm">
          {controls}
          <ListTools
            name={name}
            columns={columns}
            filter={filter}
            filterRef={filterRef}
            allRows={() => rows}
            isEmpty={shown.length === 0}
            isTable
          />
        </Group>
      </Group>
      {shown.length > 0 && (
        <DataTable
          {...table}
          name={name}
          label={label}
          columns={columns}
          rows={shown}
          sorting={sorting}
          listRef={list}
        />
      )}
    </Stack>
  );
}
