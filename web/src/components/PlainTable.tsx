import { type ReactNode, useRef } from 'react';
import { tableCells } from '@/lib/csv';
import { CsvButton } from './CsvButton';
import styles from './PlainTable.module.css';

/** What a column is called; of figures, which align right, under `figure`. */
type Head = string | { figure: string };

interface PlainTableProps {
  /** Names the table for a screen reader. */
  label: string;
  /** Of the CSV file; none is offered without. */
  csv?: string;
  className?: string | undefined;
  /** The columns; absent where the head is among the children. */
  head?: readonly (Head | false)[];
  /** The table's body. */
  children: ReactNode;
}

/** A short table that is read, not searched; it scrolls by itself where it is wider than its place. */
export function PlainTable({ label, csv, className = '', head, children }: PlainTableProps) {
  const table = useRef<HTMLTableElement>(null);
  const cells = () => (table.current === null ? [] : tableCells(table.current));
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls needs the keyboard */}
      <section className={styles.scroll} tabIndex={0} aria-label={label}>
        <table ref={table} className={`${styles.table} ${className}`}>
          {head !== undefined && (
            <thead>
              <tr>
                {head.map((each) => each !== false && <HeadCell key={nameOf(each)} head={each} />)}
              </tr>
            </thead>
          )}
          {children}
        </table>
      </section>
      {csv !== undefined && (
        <div className={styles.foot}>
          <CsvButton name={csv} what={label} cells={cells} size="compact-xs" />
        </div>
      )}
    </>
  );
}

const nameOf = (head: Head) => (typeof head === 'string' ? head : head.figure);

function HeadCell({ head }: { head: Head }) {
  return (
    <th scope="col" data-numeric={typeof head === 'string' ? undefined : true}>
      {nameOf(head)}
    </th>
  );
}
