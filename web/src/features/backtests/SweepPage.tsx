import { Anchor, Group, Skeleton, Text } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { SweepDetail } from '@/client/schema';
import { DetailScreen } from '@/components/DetailScreen';
import { Failure } from '@/components/Failure';
import { FilteredTable } from '@/components/FilteredTable';
import { Moment } from '@/components/Moment';
import { PageTitle } from '@/components/PageTitle';
import { rowsOf, useAllPages } from '@/components/pages';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { RUN_STATES } from '@/lib/states';
import { BacktestCard } from './BacktestCard';
import { CancelButton } from './CancelButton';
import { CompareButton } from './CompareButton';
import { pointColumns } from './columns';
import { Errors } from './Errors';
import { Bar } from './Progress';
import { backtestsQuery, sweepQuery } from './queries';
import { Settings } from './Settings';
import { doneWords } from './sweepColumns';
import { usePicking } from './usePicking';
import { SOURCE_WORDS, settingWords, valueWords } from './words';

const route = getRouteApi('/desk/backtests/sweeps/$id');

/** One sweep: how far it is, and what each of its settings came to. */
export function SweepPage() {
  const { id } = route.useParams();
  const query = useQuery(sweepQuery(id));
  return (
    <DetailScreen query={query} back={{ to: '/backtests', label: 'Backtests' }}>
      {(sweep) => <Loaded sweep={sweep} />}
    </DetailScreen>
  );
}

function Loaded({ sweep }: { sweep: SweepDetail }) {
  const grid = Object.entries((sweep.request.grid ?? {}) as Record<string, unknown>);
  return (
    <>
      <Group justify="space-between" align="flex-start" gap="md">
        <div>
          <PageTitle>{sweep.name}</PageTitle>
          <Group gap="xs" mt={6}>
            <StateTag state={sweep.status} words={RUN_STATES} />
            <Text component="span" size="sm" c="dimmed">
              {sweep.strategy} · {SOURCE_WORDS[sweep.source]}, {sweep.author} ·{' '}
              <Moment at={sweep.started_at} />
            </Text>
            <Anchor href={sweep.workflow_url} target="_blank" rel="noreferrer" size="sm">
              Open in Temporal Web <IconExternalLink size={13} aria-hidden />
            </Anchor>
          </Group>
        </div>
        {sweep.may_cancel && <CancelButton kind="sweep" id={sweep.id} />}
      </Group>
      <Section title="Progress">
        <Bar
          label="Progress of the sweep"
          value={sweep.completed + sweep.failed}
          max={sweep.total}
        />
        <Text size="sm" mt={6} role="status">
          {doneWords(sweep)}
          {sweep.running > 0 && `, ${sweep.running} running`}
        </Text>
        {grid.map(([name, values]) => (
          <Text key={name} size="sm" c="dimmed">
            {settingWords(name)}: {valueWords(values)}
          </Text>
        ))}
      </Section>
      <Errors errors={sweep.errors} isFailure={sweep.status === 'FAILED'} />
      <Results sweep={sweep} />
      <Settings run={sweep} />
    </>
  );
}

function Results({ sweep }: { sweep: SweepDetail }) {
  const query = useInfiniteQuery(backtestsQuery({ sweep: sweep.id }));
  const picking = usePicking();
  const columns = useMemo(() => pointColumns(picking), [picking]);
  useAllPages(query, true);
  if (query.isError) return <Failure query={query} />;
  if (query.isPending) return <Skeleton height={240} />;
  const rows = rowsOf(query);
  if (rows.length === 0) return <Text size="sm">Its first backtests have not begun.</Text>;
  return (
    <FilteredTable
      name="sweep"
      label="Backtests of the sweep"
      columns={columns}
      rows={rows}
      rowKey={(row) => row.id}
      card={(row) => <BacktestCard row={row} picking={picking} />}
      isAlarming={(row) => row.status === 'FAILED'}
      controls={<CompareButton picked={picking.picked} />}
    />
  );
}
