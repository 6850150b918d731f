import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';

interface VirtualRowsProps {
  count: number;
  columns: number;
  /** A row of the table; `measure` goes on its `<tr>`, with `data-index`. */
  children: (index: number, measure: (row: HTMLTableRowElement | null) => void) => ReactNode;
}

const ROW_PX = 53;

/** The rows of a long table that are in sight, and room in place of all others. */
export default function VirtualRows({ count, columns, children }: VirtualRowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    if (body.current === null) return;
    setTop(body.current.getBoundingClientRect().top + window.scrollY);
  }, []);
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => ROW_PX,
    overscan: 12,
    scrollMargin: top,
  });
  const shown = rows.getVirtualItems();
  const before = (shown[0]?.start ?? top) - top;
  const after = rows.getTotalSize() - ((shown.at(-1)?.end ?? top) - top);
  return (
    <tbody ref={body}>
      <Room height={before} columns={columns} />
      {shown.map(({ index }) => children(index, rows.measureElement))}
      <Room height={after} columns={columns} />
    </tbody>
  );
}

function Room({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  );
}
