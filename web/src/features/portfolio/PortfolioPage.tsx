import '@/styles/segmentedControl';
import { Group, SegmentedControl, Skeleton, Stack, VisuallyHidden } from '@mantine/core';
import { IconScale } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import type { PortfolioRisk } from '@/client/schema';
import { AccountFilter } from '@/components/AccountFilter';
import { EmptyState } from '@/components/EmptyState';
import { Failure } from '@/components/Failure';
import { PageTitle } from '@/components/PageTitle';
import { Calendar } from './Calendar';
import { GreeksLine } from './GreeksLine';
import { MarginView } from './MarginView';
import { Positions } from './Positions';
import styles from './portfolio.module.css';
import { portfolioRiskQuery } from './queries';
import type { PortfolioView } from './route';
import { StressView } from './StressView';
import { Underlyings } from './Underlyings';

const route = getRouteApi('/desk/risk');

const VIEWS: { value: PortfolioView; label: string }[] = [
  { value: 'positions', label: 'Positions' },
  { value: 'underlyings', label: 'Underlyings' },
  { value: 'stress', label: 'Stress' },
  { value: 'margin', label: 'Margin' },
  { value: 'calendar', label: 'Expiries' },
];

/** What is held, what it leans on, and what could happen to it. */
export function PortfolioPage() {
  const { view = 'positions', account } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useQuery(portfolioRiskQuery(client?.id, account));
  return (
    <Stack gap="md" className={styles.page}>
      <Group justify="space-between" gap="sm">
        <PageTitle>Positions & risk</PageTitle>
        <Group gap="sm">
          <div className={styles.views}>
            <SegmentedControl
              aria-label="View"
              value={view}
              onChange={(value) =>
                void navigate({
                  search: (search) => ({ ...search, view: value as PortfolioView }),
                  replace: true,
                })
              }
              data={VIEWS}
            />
          </div>
          <AccountFilter
            value={account}
            onChange={(id) =>
              void navigate({ search: (search) => ({ ...search, account: id }), replace: true })
            }
          />
        </Group>
      </Group>
      <Failure query={query} />
      {query.isPending && (
        <div role="status">
          <VisuallyHidden>Loading…</VisuallyHidden>
          <Skeleton height={80} mb="md" />
          <Skeleton height={360} />
        </div>
      )}
      {query.data !== undefined && <Risk risk={query.data} view={view} />}
    </Stack>
  );
}

function Risk({ risk, view }: { risk: PortfolioRisk; view: PortfolioView }) {
  if (risk.accounts.length === 0) {
    return (
      <div className="panel">
        <EmptyState icon={IconScale} title="Nothing to show yet">
          No account has been read from the broker. Positions and risk appear after the first
          reading.
        </EmptyState>
      </div>
    );
  }
  return (
    <>
      <GreeksLine risk={risk} />
      {view === 'positions' && <Positions positions={risk.positions} />}
      {view === 'underlyings' && <Underlyings rows={risk.underlyings} />}
      {view === 'stress' && <StressView risk={risk} />}
      {view === 'margin' && <MarginView risk={risk} />}
      {view === 'calendar' && <Calendar risk={risk} />}
    </>
  );
}
