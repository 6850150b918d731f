import { Anchor, Skeleton, Text } from '@mantine/core';
import { IconArrowsDiff } from '@tabler/icons-react';
import { useQueries, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { BacktestDetail, Comparison } from '@/client/schema';
import { Chart } from '@/components/chart/Chart';
import { DetailScreen } from '@/components/DetailScreen';
import { EmptyState } from '@/components/EmptyState';
import { PageTitle } from '@/components/PageTitle';
import { PlainTable } from '@/components/PlainTable';
import { Section } from '@/components/Section';
import { formatSignedPercent } from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import styles from './backtests.module.css';
import { linesOption } from './charts';
import { curveOf, growthOf, onDays } from './curves';
import { bestOf, FIGURES, figureWords, numberOf } from './figures';
import { comparisonQuery, equityQuery } from './queries';
import { settingWords, spanWords, valueWords } from './words';

const route = getRouteApi('/desk/backtests/compare');

/** Backtests side by side: what they differ in, what each came to, and how it went. */
export function ComparePage() {
  const { ids = [] } = route.useSearch();
  const query = useQuery({ ...comparisonQuery(ids), enabled: ids.length > 0 });
  if (ids.length === 0) {
    return (
      <EmptyState isPage icon={IconArrowsDiff} title="Nothing to compare">
        Choose backtests in the <Link to="/backtests">list</Link>, then press Compare.
      </EmptyState>
    );
  }
  return (
    <DetailScreen query={query} back={{ to: '/backtests', label: 'Backtests' }}>
      {(found) => <Compared found={found} />}
    </DetailScreen>
  );
}

function Compared({ found }: { found: Comparison }) {
  return (
    <>
      <PageTitle>{`${found.items.length} backtests side by side`}</PageTitle>
      <Section title="Growth">
        <Overlay runs={found.items} />
      </Section>
      <Section title="Figures">
        <SideBySide found={found} />
      </Section>
    </>
  );
}

function Overlay({ runs }: { runs: readonly BacktestDetail[] }) {
  const done = runs.filter((run) => run.status === 'COMPLETED');
  const answers = useQueries({ queries: done.map((run) => equityQuery(run.id)) });
  if (answers.some((answer) => answer.isPending)) return <Skeleton height={320} />;
  const curves = done.flatMap((run, index) => {
    const answer = answers[index]?.data;
    const start = numberOf(run.stats, 'equity_start') ?? 0;
    return answer === undefined ? [] : [{ run, start, curve: curveOf(answer, start) }];
  });
  if (curves.length === 0) return <Text size="sm">None of them has a result yet.</Text>;
  const days = [...new Set(curves.flatMap(({ curve }) => curve.days))].sort();
  const lines = curves.map(({ run, start, curve }) => ({
    name: run.name,
    values: onDays(days, curve.days, growthOf(curve.equity, start)),
  }));
  return (
    <Chart
      label="Growth since the beginning of each"
      height={340}
      option={(theme) => linesOption({ days, lines, unit: 'percent' }, theme)}
      numbers={{
        columns: ['Session', ...lines.map((line) => line.name)],
        rows: days.map((day, index) => [
          formatDate(day),
          ...lines.map((line) => formatSignedPercent(line.values[index] ?? null)),
        ]),
      }}
    />
  );
}

function SideBySide({ found: { items, differing } }: { found: Comparison }) {
  return (
    <PlainTable label="Figures side by side" csv="backtests-compared">
      <thead>
        <tr>
          <th scope="col">Figure</th>
          {items.map((run) => (
            <th key={run.id} scope="col" data-numeric>
              <Anchor
                component={Link}
                to="/backtests/$id"
                params={{ id: run.id } as never}
                size="xs"
              >
                {run.name}
              </Anchor>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {Object.entries(differing).map(([name, values]) => (
          <tr key={name}>
            <th scope="row">{settingWords(name)}</th>
            {items.map((run, index) => (
              <td key={run.id} data-numeric className={styles.value}>
                {valueWords(values[index])}
              </td>
            ))}
          </tr>
        ))}
        <tr>
          <th scope="row">Sessions seen</th>
          {items.map((run) => (
            <td key={run.id} data-numeric>
              {spanWords(run.stats) || run.status}
            </td>
          ))}
        </tr>
        {FIGURES.map((kind) => {
          const values = items.map((run) => numberOf(run.stats, kind.name));
          const best = bestOf(kind, values);
          return (
            <tr key={kind.name} title={kind.hint}>
              <th scope="row">{kind.label}</th>
              {items.map((run, index) => (
                <td key={run.id} data-numeric className={best[index] ? styles.best : undefined}>
                  {figureWords(kind, values[index] ?? null)}
                </td>
              ))}
            </tr>
          );
        })}
      </tbody>
    </PlainTable>
  );
}
