import type { RefObject } from 'react';
import type { Filter } from './address';
import { ColumnChooser } from './ColumnChooser';
import { CsvButton } from './CsvButton';
import { type Column, exportRows, rowsMatching } from './columns';
import { FilterInput } from './FilterInput';

interface ListToolsProps<Row extends object> {
  /** Names the CSV file and, for a table, the choice of columns. */
  name: string;
  columns: readonly Column<Row>[];
  filter: Filter;
  filterRef: RefObject<HTMLInputElement | null>;
  /** What is exported, before it is filtered; asked when the button is pressed. */
  allRows: () => readonly Row[] | Promise<readonly Row[]>;
  isEmpty: boolean;
  /** Whether columns can be chosen. */
  isTable: boolean;
}

/** What every list offers: a filter, a choice of columns, and its rows as CSV. */
export function ListTools<Row extends object>(props: ListToolsProps<Row>) {
  const { name, columns, filter, filterRef, allRows, isEmpty, isTable } = props;
  const exported = async () => {
    const matching = rowsMatching(columns, await allRows(), filter.value);
    return [columns.map((column) => column.header), ...exportRows(columns, matching)];
  };
  return (
    <>
      <FilterInput value={filter.value} onChange={filter.onChange} inputRef={filterRef} />
      {isTable && <ColumnChooser table={name} columns={columns} />}
      <CsvButton name={name} cells={exported} isEmpty={isEmpty} />
    </>
  );
}
