import '@/styles/segmentedControl';
import { Anchor, Button, Group, SegmentedControl, Text, VisuallyHidden } from '@mantine/core';
import { IconExternalLink } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMe } from '@/client/hooks';
import type { BacktestDetail } from '@/client/schema';
import { DetailScreen } from '@/components/DetailScreen';
import { Moment } from '@/components/Moment';
import { PageTitle } from '@/components/PageTitle';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { RUN_STATES } from '@/lib/states';
import { CancelButton } from './CancelButton';
import { Errors } from './Errors';
import { Overview } from './Overview';
import { Progress } from './Progress';
import { backtestQuery } from './queries';
import { Report } from './Report';
import { Settings } from './Settings';
import { Trades } from './Trades';
import { useBacktestOwners } from './useBacktestOwners';
import { SOURCE_WORDS } from './words';

const route = getRouteApi('/desk/backtests/$id');

const VIEW_CHOICES = [
  { value: 'overview', label: 'Overview' },
  { value: 'trades', label: 'Trades' },
  { value: 'report', label: 'Report' },
  { value: 'settings', label: 'Settings' },
];

/** One backtest: how far it is while it runs, and what it found. */
export function BacktestPage() {
  const { id } = route.useParams();
  const query = useQuery(backtestQuery(id));
  return (
    <DetailScreen query={query} back={{ to: '/backtests', label: 'Backtests' }}>
      {(run) => <Loaded run={run} />}
    </DetailScreen>
  );
}

function Loaded({ run }: { run: BacktestDetail }) {
  const { view = 'overview' } = route.useSearch();
  const navigate = route.useNavigate();
  const isComplete = run.status === 'COMPLETED';
  return (
    <>
      <Heading run={run} />
      {run.status === 'RUNNING' && (
        <Section title="Running">
          <Progress progress={run.progress} startedAt={run.started_at} />
        </Section>
      )}
      {run.status === 'CANCELLED' && (
        <Section title="Cancelled">
          <Text size="sm">
            It was stopped before it had a result. Run it again with the settings below.
          </Text>
        </Section>
      )}
      <Errors errors={run.errors} isFailure={run.status === 'FAILED'} />
      {isComplete && (
        <>
          <SegmentedControl
            aria-label="View"
            style={{ alignSelf: 'flex-start' }}
            value={view}
            data={VIEW_CHOICES}
            onChange={(value) =>
              void navigate({
                search: { view: value === 'overview' ? undefined : (value as never) },
                replace: true,
              })
            }
          />
          {view === 'overview' && <Overview run={run} />}
          {view === 'trades' && <Trades run={run} />}
          {view === 'report' && <Report run={run} />}
        </>
      )}
      {(view === 'settings' || !isComplete) && <Settings run={run} />}
      <VisuallyHidden role="status">Backtest {run.status}.</VisuallyHidden>
    </>
  );
}

function Heading({ run }: { run: BacktestDetail }) {
  const { clients } = useMe();
  const owner = clients.find((client) => client.id === run.client_id)?.name ?? 'The whole desk';
  const mayStart = useBacktestOwners().length > 0;
  return (
    <Group justify="space-between" align="flex-start" gap="md">
      <div>
        <PageTitle>{run.name}</PageTitle>
        <Group gap="xs" mt={6}>
          <StateTag state={run.status} words={RUN_STATES} />
          <Text component="span" size="sm" c="dimmed">
            {run.strategy} · {owner} · {SOURCE_WORDS[run.source]}, {run.author} ·{' '}
            <Moment at={run.started_at} />
          </Text>
          {run.sweep_id !== null && (
            <Anchor
              component={Link}
              to="/backtests/sweeps/$id"
              params={{ id: run.sweep_id } as never}
              size="sm"
            >
              Its sweep
            </Anchor>
          )}
          {run.workflow_url !== null && (
            <Anchor href={run.workflow_url} target="_blank" rel="noreferrer" size="sm">
              Open in Temporal Web <IconExternalLink size={13} aria-hidden />
            </Anchor>
          )}
        </Group>
      </div>
      <Group gap="xs">
        {mayStart && (
          <Button
            component={Link}
            to="/backtests/new"
            search={{ from: run.id } as never}
            variant="default"
          >
            Run again, changed…
          </Button>
        )}
        {run.may_cancel && <CancelButton kind="backtest" id={run.id} />}
      </Group>
    </Group>
  );
}
