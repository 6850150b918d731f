import { Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { strategyKindsQuery } from '@/client/strategies';
import styles from '@/components/DetailScreen.module.css';
import { EmptyState } from '@/components/EmptyState';
import { PageFailure } from '@/components/PageFailure';
import { PageTitle } from '@/components/PageTitle';
import { BacktestForm } from './BacktestForm';
import { backtestQuery, recordingsQuery } from './queries';
import { useBacktestOwners } from './useBacktestOwners';

const route = getRouteApi('/desk/backtests/new');

/** Everything a backtest needs, on one page; a sweep is one with several values. */
export function NewBacktestPage() {
  const { from } = route.useSearch();
  const owners = useBacktestOwners();
  const mayStart = owners.length > 0;
  const kinds = useQuery(strategyKindsQuery);
  const recordings = useQuery({ ...recordingsQuery, enabled: mayStart });
  const earlier = useQuery({ ...backtestQuery(from ?? ''), enabled: from !== undefined });
  if (!mayStart) {
    return (
      <EmptyState isPage icon={IconLock} title="You may look at backtests, not start them">
        Starting one takes another role than VIEWER. Ask an administrator.
      </EmptyState>
    );
  }
  const failed = [kinds, recordings, earlier].find((query) => query.isError);
  if (failed !== undefined) {
    return <PageFailure error={failed.error} onRetry={() => void failed.refetch()} />;
  }
  const isReady =
    kinds.isSuccess && recordings.isSuccess && (from === undefined || earlier.isSuccess);
  return (
    <div className={styles.page}>
      <div>
        <PageTitle>New backtest</PageTitle>
        <Text size="sm" c="dimmed">
          What would this desk have done, with this strategy, its limits and an approver who says
          yes?
        </Text>
      </div>
      {isReady ? (
        <BacktestForm
          key={from ?? ''}
          kinds={kinds.data.filter((kind) => kind.error === null)}
          recordings={recordings.data}
          owners={owners}
          earlier={earlier.data}
        />
      ) : (
        <Stack role="status">
          <VisuallyHidden>Loading…</VisuallyHidden>
          <Skeleton height={160} />
          <Skeleton height={220} />
        </Stack>
      )}
    </div>
  );
}
