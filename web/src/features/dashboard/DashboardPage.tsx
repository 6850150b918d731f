import { Group, Skeleton, Text, VisuallyHidden } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useChosenClient } from '@/client/hooks';
import type { Dashboard } from '@/client/schema';
import { Failure } from '@/components/Failure';
import { PageTitle } from '@/components/PageTitle';
import { AtWork } from './AtWork';
import styles from './dashboard.module.css';
import { EquityCurve } from './EquityCurve';
import { Expiries } from './Expiries';
import { Exposures } from './Exposures';
import { Figures } from './Figures';
import { Margin } from './Margin';
import { dashboardQuery, setupQuery } from './queries';
import { OpenAlerts, ToDecide, WorkingOrders } from './Waiting';
import { Welcome } from './Welcome';

/** What there is, what is at stake, and what waits for a person. */
export function DashboardPage() {
  const client = useChosenClient();
  const query = useQuery(dashboardQuery(client?.id));
  return (
    <div className={styles.page}>
      <Group justify="space-between" align="baseline" gap="xs">
        <PageTitle>Dashboard</PageTitle>
        <Text size="sm" c="dimmed">
          {client?.name ?? 'All clients'}
        </Text>
      </Group>
      <Failure query={query} />
      {query.isPending && <Loading />}
      {query.data !== undefined && <Desk dashboard={query.data} />}
    </div>
  );
}

function Desk({ dashboard }: { dashboard: Dashboard }) {
  if (dashboard.accounts.length === 0) return <Welcome />;
  return (
    <>
      <Guide />
      <Figures dashboard={dashboard} />
      <div className={styles.columns}>
        <div className={styles.column}>
          <ToDecide />
          <EquityCurve />
          <WorkingOrders />
          <Exposures exposures={dashboard.exposures} />
        </div>
        <div className={styles.column}>
          <Margin accounts={dashboard.accounts} />
          <OpenAlerts />
          <Expiries expiries={dashboard.expiries} />
          <AtWork strategies={dashboard.strategies} />
        </div>
      </div>
    </>
  );
}

/** The guide stays until the first decision is made, and costs nothing afterwards. */
function Guide() {
  const { data } = useQuery(setupQuery);
  return data === undefined || data.decisions > 0 ? null : <Welcome />;
}

function Loading() {
  return (
    <div role="status" style={{ display: 'grid', gap: '1rem' }}>
      <VisuallyHidden>Loading…</VisuallyHidden>
      <Skeleton height={84} />
      <div className={styles.columns}>
        <Skeleton height={340} />
        <Skeleton height={340} />
      </div>
    </div>
  );
}
