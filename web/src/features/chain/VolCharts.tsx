import { Text } from '@mantine/core';
import type { ChainAnswer } from '@/client/schema';
import { Chart } from '@/components/chart/Chart';
import type { ChartTheme } from '@/components/chart/chartTheme';
import type { ChartOption } from '@/components/chart/echarts';
import { axisStyle, GRID, tooltipStyle } from '@/components/chart/styling';
import { formatLevel, formatPercentOne } from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import { smileOf } from './smile';

const HEIGHT = 220;

/** Volatility over strikes of the chosen expiry, the spot marked. */
export function SmileChart({ chain }: { chain: ChainAnswer }) {
  const points = smileOf(chain);
  if (points.length < 2) return <TooFew />;
  const spot = chain.underlying_price;
  return (
    <Chart
      label="Implied volatility by strike, out of the money"
      height={HEIGHT}
      option={(theme) => ({
        ...volatilityLine(
          points.map(({ strike, iv }) => [strike, iv]),
          theme,
          spot,
        ),
      })}
      numbers={{
        columns: ['Strike', 'Volatility'],
        rows: points.map(({ strike, iv }) => [String(strike), formatPercentOne(iv)]),
      }}
    />
  );
}

/** At-the-money volatility over expiries. */
export function TermChart({ chain }: { chain: ChainAnswer }) {
  const known = chain.series.filter((each) => each.atm_iv !== null);
  if (known.length < 2) return <TooFew />;
  return (
    <Chart
      label="At-the-money volatility by days to expiry"
      height={HEIGHT}
      option={(theme) =>
        volatilityLine(
          known.map((each) => [each.dte, each.atm_iv ?? 0]),
          theme,
        )
      }
      numbers={{
        columns: ['Expiry', 'Days', 'Volatility', 'Forward'],
        rows: known.map((each) => [
          `${formatDate(each.expiry)} ${each.trading_class}`,
          String(each.dte),
          formatPercentOne(each.atm_iv),
          formatLevel(each.forward),
        ]),
      }}
    />
  );
}

function TooFew() {
  return (
    <Text size="sm" c="dimmed">
      Too few volatilities are known to draw a line.
    </Text>
  );
}

function volatilityLine(points: [number, number][], theme: ChartTheme, mark?: number): ChartOption {
  return {
    grid: { ...GRID, top: 16 },
    tooltip: {
      ...tooltipStyle(theme),
      trigger: 'axis',
      valueFormatter: (value) => formatPercentOne(Number(value)),
    },
    xAxis: { type: 'value', scale: true, ...axisStyle(theme), splitLine: { show: false } },
    yAxis: {
      type: 'value',
      scale: true,
      ...axisStyle(theme),
      axisLabel: { color: theme.muted, formatter: (value: number) => formatPercentOne(value) },
    },
    series: [
      {
        type: 'line',
        name: 'Volatility',
        data: points,
        symbolSize: 5,
        lineStyle: { width: 2 },
        ...(mark !== undefined && {
          markLine: {
            silent: true,
            symbol: 'none',
            lineStyle: { color: theme.muted, type: 'dashed' as const },
            label: { formatter: 'spot', color: theme.muted },
            data: [{ xAxis: mark }],
          },
        }),
      },
    ],
  };
}
