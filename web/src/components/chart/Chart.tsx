import { Button, Skeleton, useComputedColorScheme } from '@mantine/core';
import { IconChartLine, IconTable } from '@tabler/icons-react';
import { lazy, type ReactNode, Suspense, useId, useMemo, useState } from 'react';
import { codeInTime } from '@/client/code';
import { plainFigure } from '@/lib/csv';
import { CsvButton } from '../CsvButton';
import styles from './Chart.module.css';
import { type ChartTheme, chartTheme } from './chartTheme';
import type { ChartOption } from './echarts';

// Large: fetched when a chart is looked at. A screen without it is still there to be read.
const Canvas = lazy(() => codeInTime(() => import('./Canvas')));

/** The numbers behind a chart, as text that is shown as it is. */
export interface ChartNumbers {
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

interface ChartProps {
  /** What the chart shows: its accessible name, e.g. `Equity since 1 May`. */
  label: string;
  /** What it says, in a sentence for those who do not see it: `From 1.00 to 1.05 million USD`. */
  summary?: string;
  height?: number;
  /** Built anew for each theme; keep it stable (`useCallback` or a module function) otherwise. */
  option: (theme: ChartTheme) => ChartOption;
  numbers: ChartNumbers;
  /** Beside the switch to the numbers, e.g. a choice of period. */
  controls?: ReactNode;
}

/** A chart that answers a question, and the table of its numbers one click away. */
export function Chart({ label, summary, height = 260, option, numbers, controls }: ChartProps) {
  const [isTable, setIsTable] = useState(false);
  const isDark = useComputedColorScheme('light') === 'dark';
  const theme = chartTheme(isDark);
  const drawn = useMemo(() => option(theme), [option, theme]);
  const id = useId();
  return (
    <figure className={styles.figure} aria-labelledby={id}>
      <figcaption className={styles.bar}>
        <span id={id} className={styles.label}>
          {label}
        </span>
        <span className={styles.controls}>
          {controls}
          {isTable && (
            <CsvButton
              name={label.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}
              what={label}
              cells={() => [numbers.columns, ...numbers.rows.map((row) => row.map(plainFigure))]}
              size="compact-xs"
            />
          )}
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            aria-pressed={isTable}
            aria-label={`Numbers behind: ${label}`}
            leftSection={
              isTable ? (
                <IconChartLine size={14} aria-hidden />
              ) : (
                <IconTable size={14} aria-hidden />
              )
            }
            onClick={() => setIsTable(!isTable)}
          >
            {isTable ? 'Chart' : 'Numbers'}
          </Button>
        </span>
      </figcaption>
      {isTable ? (
        <NumbersTable label={label} numbers={numbers} height={height} />
      ) : (
        <div role="img" aria-label={summary === undefined ? label : `${label}. ${summary}`}>
          <Suspense fallback={<Skeleton height={height} />}>
            <Canvas option={drawn} theme={theme} height={height} />
          </Suspense>
        </div>
      )}
    </figure>
  );
}

interface NumbersTableProps {
  label: string;
  numbers: ChartNumbers;
  height: number;
}

function NumbersTable({ label, numbers, height }: NumbersTableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className={styles.scroll} style={{ height }} aria-label={label} tabIndex={0}>
      <table className={styles.numbers}>
        <thead>
          <tr>
            {numbers.columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {numbers.rows.map((row) => (
            <tr key={row.join('|')}>
              {row.map((cell, index) => (
                <td key={numbers.columns[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
