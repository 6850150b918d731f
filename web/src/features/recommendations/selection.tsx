import type { Column } from '@/components/columns';
import type { Row } from './columns';
import styles from './selection.module.css';

interface Selection {
  chosen: ReadonlySet<string>;
  toggle: (id: string) => void;
}

export function SelectBox({ row, selection }: { row: Row; selection: Selection }) {
  return (
    <input
      type="checkbox"
      className={styles.box}
      aria-label={`Select ${row.trade}`}
      checked={selection.chosen.has(row.id)}
      onChange={() => selection.toggle(row.id)}
    />
  );
}

/** Marks rows to be rejected together. It is no part of an export. */
export function selectColumn(selection: Selection): Column<Row> {
  return {
    id: 'select',
    header: '✓',
    hint: 'Selected, to be rejected together',
    kind: 'text',
    value: (row) => (selection.chosen.has(row.id) ? '✓' : ''),
    cell: (row) => <SelectBox row={row} selection={selection} />,
  };
}
