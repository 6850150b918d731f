import { useMediaQuery } from '@mantine/hooks';
import { IconArrowDown, IconArrowsSort, IconArrowUp } from '@tabler/icons-react';
import {
  type ColumnDef,
  createSortedRowModel,
  type Header,
  rowSortingFeature,
  tableFeatures,
  useTable,
} from '@tanstack/react-table';
import { memo, type ReactNode, type RefObject, Suspense, useMemo, useState } from 'react';
import { useHiddenColumns } from '@/lib/columnChoice';
import { formatSorting, parseSorting, type Sorting } from './address';
import { type Column, compareValues } from './columns';
import styles from './DataTable.module.css';
import { lazyPart } from './lazyPart';

const VirtualRows = lazyPart(() => import('./VirtualRows'));

/** From so many rows on only those in sight are drawn. */
const MANY = 150;

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });

/** Below this width rows become cards. */
const NARROW = '(max-width: 62em)';

interface DataTableProps<Row extends object> {
  /** Names the table for a screen reader. */
  label: string;
  columns: readonly Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  /** The same row on a narrow screen; it contains a link when rows can be opened. */
  card: (row: Row) => ReactNode;
  /** Rows that must catch the eye. */
  isAlarming?: ((row: Row) => boolean) | undefined;
  listRef?: RefObject<HTMLElement | null>;
  /** Under which name the choice of columns is kept; all are shown without one. */
  name?: string;
  /** Kept in the address, say; without it the table keeps it itself. */
  sorting?: Sorting;
}

/** A sortable table on a wide screen, a list of cards on a narrow one. */
export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const isNarrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false });
  return (
    <section ref={props.listRef} className={`panel ${styles.list}`}>
      {isNarrow ? <Cards {...props} /> : <WideTable {...props} />}
    </section>
  );
}

function Cards<Row extends object>({ label, rows, rowKey, card, isAlarming }: DataTableProps<Row>) {
  return (
    <ul className={styles.cards} aria-label={label}>
      {rows.map((row) => (
        <li
          key={rowKey(row)}
          data-row={rowKey(row)}
          data-alarming={isAlarming?.(row) || undefined}
          className={styles.card}
        >
          {card(row)}
        </li>
      ))}
    </ul>
  );
}

function WideTable<Row extends object>(props: DataTableProps<Row>) {
  const { label, columns, rows, rowKey, isAlarming, name } = props;
  const [own, setOwn] = useState<string | undefined>();
  const sorting = props.sorting ?? { value: own, onChange: setOwn };
  const hidden = useHiddenColumns(name);
  const shown = useMemo(
    () => columns.filter((column) => column.isHidden !== true && !hidden.has(column.id)),
    [columns, hidden],
  );
  const definitions = useMemo(() => shown.map((column) => definitionOf(column)), [shown]);
  const state = useMemo(() => {
    const sorted = parseSorting(sorting.value);
    return { sorting: sorted.filter(({ id }) => shown.some((column) => column.id === id)) };
  }, [sorting.value, shown]);
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowKey,
    enableSortingRemoval: true,
    state,
    onSortingChange: (change) => {
      const next = typeof change === 'function' ? change(state.sorting) : change;
      sorting.onChange(formatSorting(next));
    },
  });
  const sorted = table.getRowModel().rows;
  const row = (index: number, measure?: (row: HTMLTableRowElement | null) => void) => {
    const found = sorted[index];
    if (found === undefined) return null;
    return (
      <TableRow
        key={found.id}
        id={found.id}
        index={index}
        row={found.original}
        shown={shown}
        isAlarming={isAlarming?.(found.original) ?? false}
        measure={measure}
      />
    );
  };
  return (
    <div className={styles.scroll}>
      <table className={styles.table} aria-label={label} aria-rowcount={sorted.length + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header, index) => (
                <HeaderCell key={header.id} header={header} column={shown[index]} />
              ))}
            </tr>
          ))}
        </thead>
        {sorted.length <= MANY ? (
          <tbody>{sorted.map((_, index) => row(index))}</tbody>
        ) : (
          <Suspense fallback={<tbody />}>
            <VirtualRows count={sorted.length} columns={shown.length}>
              {row}
            </VirtualRows>
          </Suspense>
        )}
      </table>
    </div>
  );
}

interface TableRowProps<Row extends object> {
  id: string;
  index: number;
  row: Row;
  shown: readonly Column<Row>[];
  isAlarming: boolean;
  measure: ((row: HTMLTableRowElement | null) => void) | undefined;
}

/** Drawn again only when it changes: of a long table that scrolls, only new rows are work. */
const TableRow = memo(function TableRow<Row extends object>(props: TableRowProps<Row>) {
  const { id, index, row, shown, isAlarming, measure } = props;
  return (
    <tr
      ref={measure}
      data-index={index}
      data-row={id}
      data-alarming={isAlarming || undefined}
      className={styles.row}
    >
      {shown.map((column) => (
        <td
          key={column.id}
          data-kind={column.kind}
          data-wraps={column.wraps}
          className={styles.cell}
        >
          {column.cell?.(row) ?? column.value(row)}
        </td>
      ))}
    </tr>
  );
}) as <Row extends object>(props: TableRowProps<Row>) => ReactNode;

function definitionOf<Row extends object>(column: Column<Row>): ColumnDef<typeof features, Row> {
  return {
    id: column.id,
    header: column.header,
    // TanStack keeps undefined last in both directions; null it would compare.
    accessorFn: (row) => column.value(row) ?? undefined,
    sortUndefined: 'last',
    sortDescFirst: column.kind !== 'text',
    sortFn: (a, b, id) => compareValues(column.kind, a.getValue(id), b.getValue(id)),
  };
}

interface HeaderCellProps<Row extends object> {
  header: Header<typeof features, Row>;
  column: Column<Row> | undefined;
}

const ARIA_SORT = { asc: 'ascending', desc: 'descending' } as const;
const SORT_ICONS = { asc: IconArrowUp, desc: IconArrowDown } as const;

function HeaderCell<Row extends object>({ header, column }: HeaderCellProps<Row>) {
  if (column === undefined) return null;
  const sorted = header.column.getIsSorted();
  const Picture = sorted === false ? IconArrowsSort : SORT_ICONS[sorted];
  return (
    <th
      data-kind={column.kind}
      className={styles.head}
      aria-sort={sorted === false ? 'none' : ARIA_SORT[sorted]}
    >
      <button
        type="button"
        className={styles.sort}
        data-sorted={sorted !== false || undefined}
        data-tip={column.hint}
        onClick={header.column.getToggleSortingHandler()}
      >
        {column.header}
        <Picture size={12} aria-hidden />
      </button>
    </th>
  );
}
