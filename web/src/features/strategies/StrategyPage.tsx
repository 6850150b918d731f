import { Alert, Anchor, Group, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { StrategyDetail } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { DetailScreen } from '@/components/DetailScreen';
import { Facts } from '@/components/Facts';
import { PageTitle } from '@/components/PageTitle';
import { Section } from '@/components/Section';
import { ConfigEditor } from './ConfigEditor';
import { ConfigHistory } from './ConfigHistory';
import { LastRun, NextRun } from './columns';
import { strategyQuery } from './queries';
import { RecentRuns } from './RecentRuns';
import { StrategyActions } from './StrategyActions';
import styles from './strategies.module.css';

const route = getRouteApi('/desk/strategies/$id');

/** One strategy: is it on, what does it look for, what did it find, and what if it were changed. */
export function StrategyPage() {
  const { id } = route.useParams();
  const query = useQuery(strategyQuery(id));
  return (
    <DetailScreen query={query} back={{ to: '/strategies', label: 'Strategies' }}>
      {(strategy) => <Loaded strategy={strategy} />}
    </DetailScreen>
  );
}

function Loaded({ strategy }: { strategy: StrategyDetail }) {
  return (
    <>
      <Group justify="space-between" align="flex-start" gap="md">
        <div>
          <PageTitle>{strategy.name}</PageTitle>
          <Group gap="xs" mt={6}>
            <AccountCell account={strategy.account} />
            <Text component="span" size="sm" c="dimmed">
              {strategy.strategy_name} · version {strategy.version}
            </Text>
          </Group>
        </div>
        <StrategyActions strategy={strategy} />
      </Group>
      {strategy.config_error !== null && <Unusable reason={strategy.config_error} />}
      <Section title="At work">
        <Text size="sm" c="dimmed" mb="sm" className={styles.about}>
          {strategy.description}
        </Text>
        <Facts
          facts={[
            { label: 'Last run', value: <LastRun run={strategy.last_run} />, isWide: true },
            { label: 'Next run', value: <NextRun strategy={strategy} /> },
            { label: 'To decide', value: strategy.waiting },
            { label: 'Settings', value: `version ${strategy.config_version}` },
          ]}
        />
        <Group gap="md" mt="sm">
          <Anchor
            component={Link}
            to="/opportunities"
            search={{ strategy: strategy.id } as never}
            size="sm"
          >
            What its last run found
          </Anchor>
          <Anchor component={Link} to="/recommendations" size="sm">
            Recommendations
          </Anchor>
          <Anchor
            component={Link}
            to="/administration/$section"
            params={{ section: 'limits' } as never}
            search={{ of: `STRATEGY:${strategy.id}` } as never}
            size="sm"
          >
            Its limits
          </Anchor>
        </Group>
      </Section>
      <Section title="Recent runs">
        <RecentRuns strategyId={strategy.id} />
      </Section>
      {/* A new version starts the form afresh; while one is typed, the form keeps its own. */}
      <ConfigEditor key={strategy.id} strategy={strategy} />
      <Section title="Settings before">
        <ConfigHistory strategy={strategy} />
      </Section>
    </>
  );
}

function Unusable({ reason }: { reason: string }) {
  return (
    <Alert
      color="red"
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      title="It cannot run on these settings"
      styles={{ root: { background: 'var(--danger-bg)' }, title: { color: 'var(--danger-fg)' } }}
    >
      <Text size="sm">{reason}. Correct the settings below and save them.</Text>
    </Alert>
  );
}
