import type { ChartTheme } from './chartTheme';

/** What every value or category axis looks like. */
export function axisStyle(theme: ChartTheme) {
  return {
    axisLine: { lineStyle: { color: theme.line } },
    axisTick: { show: false },
    axisLabel: { color: theme.muted, hideOverlap: true },
    splitLine: { lineStyle: { color: theme.line } },
    nameTextStyle: { color: theme.muted },
  };
}

export function tooltipStyle(theme: ChartTheme) {
  return {
    backgroundColor: theme.surface,
    borderColor: theme.line,
    textStyle: { color: theme.ink, fontSize: 12 },
    confine: true,
    // Drawn, not written as HTML: the content security policy allows no style attributes in it.
    renderMode: 'richText' as const,
  };
}

export function legendStyle(theme: ChartTheme) {
  return { textStyle: { color: theme.muted }, icon: 'roundRect', itemWidth: 14, itemHeight: 3 };
}

/** Room for labels, none to spare. */
export const GRID = { left: 8, right: 12, top: 28, bottom: 8, containLabel: true };
