import { Button, Group, Stack, Text } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { type ReactNode, useRef } from 'react';
import { download, toCsv } from '@/lib/csv';
import { formatCount } from '@/lib/numbers';
import { ColumnChooser } from './ColumnChooser';
import { type Column, exportRows, matchesFilter } from './columns';
import { DataTable } from './DataTable';
import { FilterInput } from './FilterInput';
import { useAddressSorting } from './sorting';
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
 * which its route must take), its columns chosen, the rows in sight exported.
 */
export function FilteredTable<Row extends object>(props: FilteredTableProps<Row>) {
  const { name, label, columns, rows, controls, ...table } = props;
  const filter = useSearch({ strict: false, select: (search) => search.filter }) ?? '';
  const navigate = useNavigate();
  const sorting = useAddressSorting();
  const list = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useListKeys({ list, filter: input });
  const shown = rows.filter((row) => matchesFilter(columns, row, filter));
  const onFilter = (text: string) =>
    void navigate({
      to: '.',
      search: (search: Record<string, unknown>) => ({ ...search, filter: text || undefined }),
      replace: true,
    } as never);
  const exportCsv = () => {
    const header = columns.map((column) => column.header);
    download(`${name}.csv`, toCsv(header, exportRows(columns, shown)));
  };
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
          <FilterInput value={filter} onChange={onFilter} inputRef={input} />
          <ColumnChooser table={name} columns={columns} />
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            onClick={exportCsv}
            disabled={shown.length === 0}
          >
            CSV
          </Button>
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
