import { defaultRangeExtractor, type Range, useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useLayoutEffect, useRef, useState } from 'react';

interface VirtualRowsProps {
  count: number;
  columns: number;
  /** A row of the table; `measure` goes on its `<tr>`, with `data-index`. */
  children: (index: number, measure: (row: HTMLTableRowElement | null) => void) => ReactNode;
}

type Extent = Pick<Range, 'startIndex' | 'endIndex'>;

/** What a row is taken to measure before one was seen. */
const ROW_PX = 53;
/** Rows drawn beyond those in sight, so that the turn of a wheel finds them there. */
const AHEAD = 6;

/**
 * The rows of a long table that are in sight, and room in place of all others. After a jump only
 * they are drawn, in as short a frame as can be; their neighbours follow when it has come to rest.
 */
export default function VirtualRows({ count, columns, children }: VirtualRowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [top, setTop] = useState(0);
  const [rowPx, setRowPx] = useState(ROW_PX);
  const drawn = useRef<Extent>(null);
  const rows = useWindowVirtualizer({
    count,
    estimateSize: () => rowPx,
    overscan: AHEAD,
    // Made anew at each drawing, or the neighbours of an unchanged range would never follow.
    rangeExtractor: (range) =>
      defaultRangeExtractor(meet(drawn.current, range) ? range : { ...range, overscan: 0 }),
    scrollMargin: top,
  });
  const shown = rows.getVirtualItems();
  useLayoutEffect(() => {
    drawn.current = rows.range;
  });
  const isDrawn = shown.length > 0;
  useLayoutEffect(() => {
    if (body.current === null || !isDrawn) return;
    setTop(body.current.getBoundingClientRect().top + window.scrollY);
    setRowPx(usualHeight(body.current));
  }, [isDrawn]);
  // Rows that are as high as they were taken to be need no correction when they come into sight.
  useLayoutEffect(() => {
    if (rowPx !== ROW_PX) rows.measure();
  }, [rowPx, rows]);
  const before = (shown[0]?.start ?? top) - top;
  const after = rows.getTotalSize() - ((shown.at(-1)?.end ?? top) - top);
  return (
    // The browser must not hold on to a row that is about to go: the page would run away.
    <tbody ref={body} style={{ overflowAnchor: 'none' }}>
      <Room height={before} columns={columns} />
      {shown.map(({ index }) => children(index, rows.measureElement))}
      <Room height={after} columns={columns} />
    </tbody>
  );
}

/** Whether rows of one range are also in the other. */
function meet(one: Extent | null, other: Extent): boolean {
  return one !== null && one.startIndex <= other.endIndex && other.startIndex <= one.endIndex;
}

/** The median height of the rows that are drawn. */
function usualHeight(body: HTMLTableSectionElement): number {
  const heights = [...body.rows]
    .filter((row) => row.dataset.index !== undefined)
    .map((row) => row.offsetHeight)
    .sort((a, b) => a - b);
  return heights[Math.floor(heights.length / 2)] ?? ROW_PX;
}

function Room({ height, columns }: { height: number; columns: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={columns} style={{ height, padding: 0 }} />
    </tr>
  );
}
