import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { BacktestDetail } from '@/client/schema';
import { Chart } from '@/components/chart/Chart';
import { Failure } from '@/components/Failure';
import { Section } from '@/components/Section';
import { formatCount, formatPercentOne, formatSignedPercent } from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import styles from './backtests.module.css';
import { linesOption } from './charts';
import { type Curve, curveOf } from './curves';
import { Exits } from './Exits';
import { FIGURE_GROUPS, FIGURES, figureWords, numberOf } from './figures';
import { Months } from './Months';
import { equityQuery } from './queries';
import { settingWords } from './words';

const HEADLINE = ['return', 'cagr', 'sharpe', 'max_drawdown', 'win_rate', 'trades'];

/** What it came to: the figures, the curve, the months, and what ended the trades. */
export function Overview({ run }: { run: BacktestDetail }) {
  const { stats } = run;
  return (
    <>
      <dl className={styles.headline}>
        {FIGURES.filter(({ name }) => HEADLINE.includes(name)).map((kind) => (
          <div key={kind.name} className="panel">
            <dt>{kind.label}</dt>
            <dd className="numeric">{figureWords(kind, numberOf(stats, kind.name))}</dd>
          </div>
        ))}
      </dl>
      <Curves run={run} />
      <Exits stats={stats} />
      <Section title="All figures">
        <div className={styles.groups}>
          {FIGURE_GROUPS.map((group) => (
            <div key={group.title}>
              <h3>{group.title}</h3>
              <dl className={styles.figures}>
                {group.figures.map((kind) => (
                  <div key={kind.name} title={kind.hint}>
                    <dt>{kind.label}</dt>
                    <dd className="numeric">{figureWords(kind, numberOf(stats, kind.name))}</dd>
                  </div>
                ))}
              </dl>
            </div>
          ))}
        </div>
      </Section>
    </>
  );
}

function Curves({ run }: { run: BacktestDetail }) {
  const query = useQuery(equityQuery(run.id));
  const start = numberOf(run.stats, 'equity_start') ?? Number(run.request.cash);
  const curve = useMemo(
    () => (query.data === undefined ? null : curveOf(query.data, start)),
    [query.data, start],
  );
  if (query.isError) return <Failure query={query} />;
  if (curve === null) return <Skeleton height={320} />;
  if (curve.days.length === 0) return null;
  return (
    <>
      <Section title="Equity">
        <EquityChart curve={curve} />
      </Section>
      <div className={styles.pair}>
        <Section title="Drawdown">
          <DrawdownChart curve={curve} />
        </Section>
        <Section title="Exposure and margin">
          <ExposureChart curve={curve} />
        </Section>
      </div>
      <Section title="Month by month">
        <Months curve={curve} start={start} />
      </Section>
    </>
  );
}

function EquityChart({ curve }: { curve: Curve }) {
  const lines = [
    { name: 'This backtest', values: curve.equity },
    ...curve.benchmarks.map((each) => ({ name: settingWords(each.name), values: each.equity })),
  ];
  return (
    <Chart
      label="Equity at the end of each session, and what simpler things would have been worth"
      summary={`From ${formatCount(curve.equity[0] ?? null)} to ${formatCount(curve.equity.at(-1) ?? null)}.`}
      height={300}
      option={(theme) => linesOption({ days: curve.days, lines, unit: 'money' }, theme)}
      numbers={{
        columns: ['Session', ...lines.map((line) => line.name)],
        rows: curve.days.map((day, index) => [
          formatDate(day),
          ...lines.map((line) => formatCount(line.values[index] ?? null)),
        ]),
      }}
    />
  );
}

function DrawdownChart({ curve }: { curve: Curve }) {
  const lines = [{ name: 'Below the highest so far', values: curve.drawdown }];
  return (
    <Chart
      label="Below the highest equity so far"
      summary={`At the deepest ${formatPercentOne(Math.min(...curve.drawdown))}.`}
      height={220}
      option={(theme) =>
        linesOption({ days: curve.days, lines, unit: 'percent', isFilled: true }, theme)
      }
      numbers={{
        columns: ['Session', 'Drawdown'],
        rows: curve.days.map((day, index) => [
          formatDate(day),
          formatSignedPercent(curve.drawdown[index] ?? null),
        ]),
      }}
    />
  );
}

function ExposureChart({ curve }: { curve: Curve }) {
  const lines = [
    { name: 'Gross notional over equity', values: curve.exposure },
    { name: 'Margin over equity', values: curve.usage },
  ];
  return (
    <Chart
      label="What was at stake, as part of equity"
      height={220}
      option={(theme) => linesOption({ days: curve.days, lines, unit: 'percent' }, theme)}
      numbers={{
        columns: ['Session', 'Exposure', 'Margin'],
        rows: curve.days.map((day, index) => [
          formatDate(day),
          formatPercentOne(curve.exposure[index] ?? null),
          formatPercentOne(curve.usage[index] ?? null),
        ]),
      }}
    />
  );
}
