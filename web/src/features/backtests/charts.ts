import type { ChartTheme } from '@/components/chart/chartTheme';
import type { ChartOption } from '@/components/chart/echarts';
import { axisStyle, GRID, legendStyle, tooltipStyle } from '@/components/chart/styling';
import { formatCount, formatPercentOne } from '@/lib/numbers';
import { formatDate } from '@/lib/time';

export interface Line {
  name: string;
  values: readonly (number | null)[];
}

interface Drawing {
  days: readonly string[];
  lines: readonly Line[];
  unit: 'money' | 'percent';
  /** Fills the ground between the first line and nothing. */
  isFilled?: boolean;
}

const DASHES = ['solid', 'dashed', 'dotted', [8, 3, 2, 3], [2, 2], [12, 4]] as const;

/** Lines over sessions, told apart by colour and dash. */
export function linesOption(drawing: Drawing, theme: ChartTheme): ChartOption {
  const { days, lines, unit, isFilled = false } = drawing;
  const words = unit === 'money' ? formatCount : formatPercentOne;
  return {
    grid: { ...GRID, top: lines.length > 1 ? 30 : 12 },
    ...(lines.length > 1 ? { legend: { ...legendStyle(theme), top: 0, type: 'scroll' } } : {}),
    tooltip: {
      ...tooltipStyle(theme),
      trigger: 'axis',
      valueFormatter: (value) => words(typeof value === 'number' ? value : null),
    },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: days.map(formatDate),
      ...axisStyle(theme),
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      scale: unit === 'money',
      ...axisStyle(theme),
      axisLabel: { color: theme.muted, formatter: (value: number) => words(value) },
    },
    series: lines.map(({ name, values }, index) => {
      const color = theme.series[index % theme.series.length] ?? theme.ink;
      return {
        type: 'line',
        name,
        data: [...values],
        showSymbol: values.length < 3,
        connectNulls: true,
        lineStyle: { width: index === 0 ? 2 : 1.6, color, type: dash(index) },
        itemStyle: { color },
        ...(isFilled && index === 0 ? { areaStyle: { color, opacity: 0.14 } } : {}),
      };
    }),
  };
}

function dash(index: number) {
  const found = DASHES[index % DASHES.length] ?? 'solid';
  return typeof found === 'string' ? found : [...found];
}
