import '@/styles/segmentedControl';
import { Group, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconScaleOutline } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import type { DiscrepancyRow } from '@/client/schema';
import { AccountFilter } from '@/components/AccountFilter';
import { EmptyState } from '@/components/EmptyState';
import { LogTabs } from '@/components/LogTabs';
import { TableScreen } from '@/components/TableScreen';
import { StateTag } from '@/components/Tag';
import { SEVERITIES } from '@/lib/states';
import { AcceptButton } from './AcceptButton';
import { DISCREPANCY_COLUMNS } from './columns';
import { discrepanciesQuery } from './queries';
import type { DiscrepancyView } from './route';

const route = getRouteApi('/desk/discrepancies');

const VIEWS: { value: DiscrepancyView; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'cleared', label: 'Cleared' },
  { value: 'all', label: 'All' },
];
const OPEN: Record<DiscrepancyView, boolean | undefined> = {
  open: true,
  cleared: false,
  all: undefined,
};

/** Where the broker's books differ from the desk's record, and the accepting of the broker's. */
export function DiscrepanciesPage() {
  const { show = 'open', account } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(
    discrepanciesQuery({ client: client?.id, account, open: OPEN[show] }),
  );
  const change = (changes: { show?: DiscrepancyView; account?: string | undefined }) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });
  return (
    <TableScreen<DiscrepancyRow>
      title="Discrepancies"
      name="discrepancies"
      query={query}
      columns={DISCREPANCY_COLUMNS}
      notice={<LogTabs current="Discrepancies" />}
      controls={
        <>
          <SegmentedControl
            aria-label="Which discrepancies"
            value={show}
            onChange={(value) => change({ show: value as DiscrepancyView })}
            data={VIEWS}
          />
          <AccountFilter value={account} onChange={(id) => change({ account: id })} />
        </>
      }
      empty={
        <EmptyState icon={IconScaleOutline} title="The books agree">
          The desk compares its record with the broker’s positions, cash and orders all the time.
          What differs, and stays different on a second look, appears here.
        </EmptyState>
      }
      rowKey={(row) => row.id}
      card={(row) => <DiscrepancyCard row={row} />}
      isAlarming={(row) => row.severity === 'CRITICAL' && row.cleared_at === null}
    />
  );
}

function DiscrepancyCard({ row }: { row: DiscrepancyRow }) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <Text size="sm" fw={600}>
          {row.title}
        </Text>
        <StateTag state={row.severity} words={SEVERITIES} />
      </Group>
      <Text size="sm">
        The desk says {row.expected}, the broker {row.actual}.
      </Text>
      <Text size="xs" c="dimmed">
        {row.advice}
      </Text>
      <AcceptButton row={row} />
    </Stack>
  );
}
