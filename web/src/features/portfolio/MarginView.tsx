import { Box, Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient, useExchangeTimeZone } from '@/client/hooks';
import type { AccountMargin, PortfolioRisk } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { Chart } from '@/components/chart/Chart';
import type { ChartTheme } from '@/components/chart/chartTheme';
import type { ChartOption } from '@/components/chart/echarts';
import { axisStyle, GRID, tooltipStyle } from '@/components/chart/styling';
import { Facts } from '@/components/Facts';
import { Failure } from '@/components/Failure';
import { Gauge } from '@/components/Gauge';
import { PeriodChoice, usePeriod } from '@/components/PeriodChoice';
import { Section } from '@/components/Section';
import { valueHistoryQuery } from '@/components/valueHistory';
import { formatWhole } from '@/lib/decimal';
import { formatCount, formatPercentOne, formatRoughPercent, NOT_KNOWN } from '@/lib/numbers';
import { formatDay, formatMoment } from '@/lib/time';
import styles from './portfolio.module.css';

const route = getRouteApi('/desk/risk');

/** The broker's margin, our estimates beside it, and how it has been. */
export function MarginView({ risk }: { risk: PortfolioRisk }) {
  return (
    <div className={styles.two}>
      <Section title="Margin by account">
        <div className={styles.accounts}>
          {risk.accounts.map((each) => (
            <Account key={each.account.id} margin={each} />
          ))}
        </div>
      </Section>
      <History />
    </div>
  );
}

function Account({ margin }: { margin: AccountMargin }) {
  const money = (value: number | null) => (value === null ? NOT_KNOWN : formatCount(value));
  return (
    <div>
      <div className={styles.accountHead}>
        <AccountCell account={margin.account} />
        <strong className="numeric">{formatPercentOne(margin.gauge.usage)}</strong>
      </div>
      <Gauge gauge={margin.gauge} label={`Margin usage of ${margin.account.code}`} />
      <Box mt="md">
        <Facts
          facts={[
            { label: 'Maintenance margin, broker', value: formatWhole(margin.maint_margin) },
            { label: 'Initial margin, broker', value: formatWhole(margin.init_margin) },
            { label: 'Excess liquidity', value: formatWhole(margin.excess_liquidity) },
            {
              label: 'Portfolio margin, estimate',
              value: money(margin.estimated_portfolio_margin),
            },
            { label: 'Reg-T margin, estimate', value: money(margin.estimated_reg_t_margin) },
            { label: 'Reg-T after this week, estimate', value: money(margin.post_expiry_margin) },
            { label: 'Cash if all puts are assigned', value: formatWhole(margin.assignment_cash) },
            { label: 'Cash', value: formatWhole(margin.cash) },
          ]}
        />
      </Box>
    </div>
  );
}

function History() {
  const client = useChosenClient();
  const { account } = route.useSearch();
  const timeZone = useExchangeTimeZone();
  const period = usePeriod();
  const query = useQuery(valueHistoryQuery({ client: client?.id, account, period }));
  const points = query.data?.points.filter((point) => point.margin_usage !== null) ?? [];
  return (
    <Section title="Margin usage so far" aside={<PeriodChoice />}>
      {query.isPending && <Skeleton height={280} />}
      <Failure query={query} />
      {query.isSuccess && points.length < 2 && (
        <Text c="dimmed" size="sm">
          There is one reading or none so far. The line appears as the broker tells more.
        </Text>
      )}
      {points.length >= 2 && (
        <Chart
          label="Maintenance margin over equity, all accounts together"
          height={280}
          option={(theme) =>
            usageOption(
              points.map((point) => formatMoment(new Date(point.at), timeZone)),
              points.map((point) => formatDay(new Date(point.at), timeZone)),
              points.map((point) => point.margin_usage ?? 0),
              theme,
            )
          }
          numbers={{
            columns: ['Market time', 'Usage', 'Maintenance margin', 'Excess liquidity'],
            rows: points.map((point) => [
              formatMoment(new Date(point.at), timeZone),
              formatPercentOne(point.margin_usage),
              formatWhole(point.maint_margin),
              formatWhole(point.excess_liquidity),
            ]),
          }}
        />
      )}
    </Section>
  );
}

function usageOption(
  moments: string[],
  days: string[],
  usage: number[],
  theme: ChartTheme,
): ChartOption {
  return {
    grid: { ...GRID, top: 12 },
    tooltip: {
      ...tooltipStyle(theme),
      trigger: 'axis',
      valueFormatter: (value) => formatPercentOne(Number(value)),
    },
    xAxis: {
      type: 'category',
      boundaryGap: false,
      data: moments,
      ...axisStyle(theme),
      axisLabel: {
        color: theme.muted,
        hideOverlap: true,
        formatter: (_: string, index: number) => days[index] ?? '',
      },
    },
    yAxis: {
      type: 'value',
      min: 0,
      ...axisStyle(theme),
      axisLabel: { color: theme.muted, formatter: (value: number) => formatRoughPercent(value) },
    },
    series: [
      {
        type: 'line',
        name: 'Usage',
        data: usage,
        showSymbol: false,
        lineStyle: { width: 2 },
        areaStyle: { opacity: 0.1 },
      },
    ],
  };
}
