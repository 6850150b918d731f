import type { ReactNode } from 'react';
import { useAddressSorting } from './address';
import type { Column } from './columns';
import { DataTable } from './DataTable';
import { ListScreen, type ListScreenProps } from './ListScreen';

interface TableScreenProps<Row extends object> extends ListScreenProps<Row> {
  /** Names the table for a screen reader; the title where absent. */
  label?: string;
  /** Drawn instead of `columns`, e.g. with boxes to tick, which are no data. */
  drawn?: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  card: (row: Row) => ReactNode;
  isAlarming?: (row: Row) => boolean;
  /** Above the rows that match. */
  above?: (rows: Row[]) => ReactNode;
}

/**
 * A screen that is a table: filtered and sorted in the address (`filter` and `sort`, which its
 * route must take), its columns chosen and remembered, its rows exported.
 */
export function TableScreen<Row extends object>(props: TableScreenProps<Row>) {
  const { label, drawn, rowKey, card, isAlarming, above, ...screen } = props;
  const sorting = useAddressSorting();
  return (
    <ListScreen {...screen} isTable>
      {(rows, list) => (
        <>
          {above?.(rows)}
          <DataTable
            name={screen.name}
            label={label ?? screen.title}
            columns={drawn ?? screen.columns}
            rows={rows}
            rowKey={rowKey}
            card={card}
            isAlarming={isAlarming}
            listRef={list}
            sorting={sorting}
          />
        </>
      )}
    </ListScreen>
  );
}
