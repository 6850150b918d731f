import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useChosenClient, useExchangeTimeZone } from '@/client/hooks';
import type { ValueHistory } from '@/client/schema';
import { Chart } from '@/components/chart/Chart';
import { Failure } from '@/components/Failure';
import { PeriodChoice, usePeriod } from '@/components/PeriodChoice';
import { Section } from '@/components/Section';
import { valueHistoryQuery } from '@/components/valueHistory';
import { formatWhole } from '@/lib/decimal';
import { formatMoment } from '@/lib/time';
import styles from './dashboard.module.css';
import { equityOption, summaryOf } from './equity';

export function EquityCurve() {
  const client = useChosenClient();
  const period = usePeriod();
  const query = useQuery(valueHistoryQuery({ client: client?.id, period }));
  return (
    <Section title="Equity" aside={<PeriodChoice />}>
      {query.isPending && <Skeleton height={240} />}
      <Failure query={query} />
      {query.data !== undefined && <Curve history={query.data} />}
    </Section>
  );
}

function Curve({ history }: { history: ValueHistory }) {
  const timeZone = useExchangeTimeZone();
  const { points, currency, left_out } = history;
  if (points.length < 2) {
    return (
      <p className={styles.nothing}>
        There is one reading or none in this period. The line appears as the broker tells more.
      </p>
    );
  }
  const left = left_out.length === 0 ? '' : `, without ${left_out.map((a) => a.code).join(', ')}`;
  return (
    <Chart
      label={`Net liquidation value, ${currency}${left}`}
      summary={summaryOf(history)}
      height={240}
      option={(theme) => equityOption(history, timeZone, theme)}
      numbers={{
        columns: ['Market time', 'Value', 'Maintenance margin'],
        rows: points.map((point) => [
          formatMoment(new Date(point.at), timeZone),
          formatWhole(point.net_liquidation),
          formatWhole(point.maint_margin),
        ]),
      }}
    />
  );
}
