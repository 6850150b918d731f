/** The equity of a backtest by session, and what follows from it. */
import type { EquityAnswer } from '@/client/schema';

export interface Curve {
  days: string[];
  equity: number[];
  /** Below the highest so far, the cash at the beginning included; zero or negative. */
  drawdown: number[];
  exposure: (number | null)[];
  usage: (number | null)[];
  benchmarks: { name: string; description: string; equity: (number | null)[] }[];
}

/** The last moment of each session. */
export function curveOf({ columns, rows, benchmarks }: EquityAnswer, start: number): Curve {
  const place = (name: string) => columns.indexOf(name);
  const session = place('session');
  const last = new Map<string, number>();
  rows.forEach((row, index) => void last.set(String(row[session]), index));
  const picked = [...last.values()];
  const column = (name: string) => picked.map((index) => figure(rows[index]?.[place(name)]));
  const equity = column('equity').map((value) => value ?? 0);
  return {
    days: [...last.keys()],
    equity,
    drawdown: drawdownsOf(equity, start),
    exposure: column('exposure'),
    usage: column('pm_usage'),
    benchmarks: benchmarks.map((each) => ({
      name: each.name,
      description: each.description,
      equity: picked.map((index) => each.equity[index] ?? null),
    })),
  };
}

function figure(value: unknown): number | null {
  if (value === null || value === undefined || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

export function drawdownsOf(equity: readonly number[], start: number): number[] {
  let highest = start;
  return equity.map((value) => {
    highest = Math.max(highest, value);
    return highest > 0 ? value / highest - 1 : 0;
  });
}

export interface Year {
  year: string;
  /** By month, January first; null where there was no session. */
  months: (number | null)[];
  total: number;
}

/** The return of each month on the last value of the month before; the first on `start`. */
export function yearsOf(days: readonly string[], equity: readonly number[], start: number): Year[] {
  const ends = new Map<string, number>();
  days.forEach((day, index) => void ends.set(day.slice(0, 7), equity[index] ?? 0));
  const years = new Map<string, Year & { before: number }>();
  let before = start;
  for (const [month, value] of ends) {
    const name = month.slice(0, 4);
    const year = years.get(name) ?? {
      year: name,
      months: Array.from({ length: 12 }, (): number | null => null),
      total: 0,
      before,
    };
    year.months[Number(month.slice(5)) - 1] = value / before - 1;
    year.total = value / year.before - 1;
    years.set(name, year);
    before = value;
  }
  return [...years.values()];
}

/** Growth since the beginning, as a fraction, so that runs of different cash can be compared. */
export function growthOf(equity: readonly (number | null)[], start: number): (number | null)[] {
  return equity.map((value) => (value === null ? null : value / start - 1));
}

/** Values by the days of `all`; null on days that a run did not see. */
export function onDays<T>(
  all: readonly string[],
  days: readonly string[],
  values: readonly T[],
): (T | null)[] {
  const by = new Map(days.map((day, index) => [day, values[index]]));
  return all.map((day) => by.get(day) ?? null);
}
