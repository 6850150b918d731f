import type { ValueHistory } from '@/client/schema';
import type { ChartTheme } from '@/components/chart/chartTheme';
import type { ChartOption } from '@/components/chart/echarts';
import { axisStyle, GRID, tooltipStyle } from '@/components/chart/styling';
import { formatWhole } from '@/lib/decimal';
import { formatCount } from '@/lib/numbers';
import { formatClock, formatDay, formatMoment } from '@/lib/time';

const DAY_MS = 86_400_000;

/** `From 1,000,000 to 1,042,311 USD; lowest 998,200.` */
export function summaryOf({ points, currency }: ValueHistory): string {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined) return 'No figures.';
  const lowest = Math.min(...points.map((point) => Number(point.net_liquidation)));
  return `From ${formatWhole(first.net_liquidation)} to ${formatWhole(last.net_liquidation)} ${currency}; lowest ${formatCount(lowest)}.`;
}

export function equityOption(
  { points }: ValueHistory,
  timeZone: string,
  theme: ChartTheme,
): ChartOption {
  const times = points.map((point) => new Date(point.at));
  const span = (times.at(-1)?.getTime() ?? 0) - (times[0]?.getTime() ?? 0);
  const label = (at: Date) =>
    span > 2 * DAY_MS ? formatDay(at, timeZone) : formatClock(at, timeZone).slice(0, 5);
  const color = theme.series[0] ?? theme.ink;
  return {
    grid: { ...GRID, top: 12 },
    tooltip: {
      ...tooltipStyle(theme),
      trigger: 'axis',
      valueFormatter: (value) => formatCount(Number(value)),
    },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: times.map((at) => formatMoment(at, timeZone)),
      ...axisStyle(theme),
      axisLabel: {
        color: theme.muted,
        hideOverlap: true,
        formatter: (_: string, index: number) => label(times[index] ?? new Date(0)),
      },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      scale: true,
      ...axisStyle(theme),
      axisLabel: { color: theme.muted, formatter: (value: number) => formatCount(value) },
    },
    series: [
      {
        type: 'line',
        name: 'Value',
        data: points.map((point) => Number(point.net_liquidation)),
        showSymbol: false,
        lineStyle: { width: 2, color },
        itemStyle: { color },
        areaStyle: { color, opacity: 0.1, origin: 'start' },
      },
    ],
  };
}
