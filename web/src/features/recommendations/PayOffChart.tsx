import { useCallback } from 'react';
import type { PayOff } from '@/client/schema';
import { Chart, type ChartNumbers } from '@/components/chart/Chart';
import type { ChartTheme } from '@/components/chart/chartTheme';
import type { ChartOption } from '@/components/chart/echarts';
import { axisStyle, GRID, legendStyle, tooltipStyle } from '@/components/chart/styling';
import { formatPrice } from '@/lib/decimal';
import { formatCount, formatLevel, NOT_KNOWN } from '@/lib/numbers';

interface PayOffChartProps {
  payOff: PayOff;
  symbol: string;
  currency: string;
}

/** Profit or loss over the underlying's price: at expiry and today, breakevens and spot marked. */
export function PayOffChart({ payOff, symbol, currency }: PayOffChartProps) {
  const option = useCallback(
    (theme: ChartTheme) => optionOf(payOff, symbol, theme),
    [payOff, symbol],
  );
  const breakevens = payOff.breakevens.map((each) => formatLevel(each)).join(' and ');
  return (
    <Chart
      label={`Profit or loss in ${currency}, by the price of ${symbol}`}
      summary={
        `Breaks even at ${breakevens || 'no price shown'}; ${symbol} is at ` +
        `${formatLevel(payOff.spot)}. At most ${formatCount(payOff.max_profit)} gained, ` +
        `${formatCount(-payOff.max_loss)} lost.`
      }
      height={280}
      option={option}
      numbers={numbersOf(payOff, symbol)}
    />
  );
}

/** What is drawn, where it is more or less than the trade itself; null where it is that. */
export function drawnWords(payOff: PayOff, symbol: string): string | null {
  const parts = [
    payOff.premium !== null &&
      `The new option alone, sold at ${formatPrice(String(payOff.premium))}; what the old one earned or lost is settled by the roll.`,
    payOff.share_cost !== null &&
      `With the ${formatCount(payOff.shares)} ${symbol} it is written on, at the ${formatPrice(String(payOff.share_cost))} each that they have cost.`,
  ].filter((part) => part !== false);
  return parts.length === 0 ? null : parts.join(' ');
}

function optionOf(payOff: PayOff, symbol: string, theme: ChartTheme): ChartOption {
  const points = (values: readonly number[]) =>
    payOff.spots.map((spot, index) => [spot, values[index] ?? null]);
  const [first = '', second = ''] = theme.series;
  return {
    grid: { ...GRID, top: 58 },
    legend: { ...legendStyle(theme), top: 0, left: 0 },
    tooltip: {
      trigger: 'axis',
      ...tooltipStyle(theme),
      valueFormatter: (value) => formatCount(Number(value)),
    },
    xAxis: {
      type: 'value',
      min: 'dataMin',
      max: 'dataMax',
      ...axisStyle(theme),
      axisLabel: {
        ...axisStyle(theme).axisLabel,
        formatter: (value: number) => formatCount(value),
        // The ends are no round figures.
        showMinLabel: false,
        showMaxLabel: false,
      },
    },
    yAxis: {
      type: 'value',
      ...axisStyle(theme),
      axisLabel: {
        ...axisStyle(theme).axisLabel,
        formatter: (value: number) => formatCount(value),
      },
    },
    series: [
      {
        name: 'At expiry',
        type: 'line',
        showSymbol: false,
        data: points(payOff.at_expiry),
        lineStyle: { width: 2, color: first },
        itemStyle: { color: first },
        markLine: {
          symbol: 'none',
          silent: true,
          label: { color: theme.muted, fontSize: 11 },
          lineStyle: { color: theme.muted, type: 'dotted' },
          data: [
            {
              xAxis: payOff.spot,
              label: { formatter: `${symbol} ${formatLevel(payOff.spot)}`, distance: 18 },
              lineStyle: { color: theme.ink, type: 'solid' },
            },
            ...payOff.breakevens.map((each) => ({
              xAxis: each,
              label: {
                formatter: `breakeven ${formatLevel(each)}`,
                distance: 4,
              },
            })),
            {
              yAxis: 0,
              label: { show: false },
              lineStyle: { color: theme.muted, type: 'solid' as const },
            },
          ],
        },
      },
      ...(payOff.today === null
        ? []
        : [
            {
              name: 'Today',
              type: 'line' as const,
              showSymbol: false,
              data: points(payOff.today),
              lineStyle: { width: 2, type: 'dashed' as const, color: second },
              itemStyle: { color: second },
            },
          ]),
    ],
  };
}

function numbersOf(payOff: PayOff, symbol: string): ChartNumbers {
  return {
    columns: [symbol, 'At expiry', 'Today'],
    rows: payOff.spots.map((spot, index) => {
      const today = payOff.today?.[index];
      return [
        formatLevel(spot),
        formatCount(payOff.at_expiry[index] ?? null),
        today === undefined ? NOT_KNOWN : formatCount(today),
      ];
    }),
  };
}
