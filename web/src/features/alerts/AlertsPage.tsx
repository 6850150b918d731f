import '@/styles/segmentedControl';
import { Button, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconBellCheck } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useRef } from 'react';
import { useChosenClient } from '@/client/hooks';
import { alertsQuery } from '@/client/queries';
import type { AlertRow } from '@/client/schema';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { ListScreen } from '@/components/ListScreen';
import { LogTabs } from '@/components/LogTabs';
import { useListKeys } from '@/components/useListKeys';
import { AlertItem } from './AlertItem';
import styles from './AlertsPage.module.css';
import { ALERT_STATES_OF, type AlertsSearch, type AlertView } from './search';

const route = getRouteApi('/desk/alerts');

const VIEWS: { value: AlertView; label: string }[] = [
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'cleared', label: 'Cleared' },
  { value: 'all', label: 'All' },
];

const COLUMNS: readonly Column<AlertRow>[] = [
  { id: 'raised', header: 'Raised', kind: 'text', value: (alert) => alert.raised_at },
  { id: 'cleared', header: 'Cleared', kind: 'text', value: (alert) => alert.cleared_at },
  { id: 'severity', header: 'Severity', kind: 'text', value: (alert) => alert.severity },
  { id: 'state', header: 'State', kind: 'text', value: (alert) => alert.state },
  { id: 'code', header: 'Code', kind: 'text', value: (alert) => alert.code },
  { id: 'title', header: 'Title', kind: 'text', value: (alert) => alert.title },
  { id: 'detail', header: 'Detail', kind: 'text', value: (alert) => alert.detail },
  { id: 'subject', header: 'Subject', kind: 'text', value: (alert) => alert.subject },
  { id: 'account', header: 'Account', kind: 'text', value: (alert) => alert.account?.code ?? null },
];

/** What a person should know, and whether somebody does. */
export function AlertsPage() {
  const { show = 'open', filter = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(
    alertsQuery({ client: client?.id, account: undefined, state: ALERT_STATES_OF[show] }),
  );
  const list = useRef<HTMLUListElement>(null);
  const filterInput = useRef<HTMLInputElement>(null);
  useListKeys({ list, filter: filterInput });
  const change = (changes: AlertsSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });

  return (
    <ListScreen<AlertRow>
      title="Alerts"
      query={query}
      columns={COLUMNS}
      filter={filter}
      onFilter={(text) => change({ filter: text || undefined })}
      filterRef={filterInput}
      notice={<LogTabs current="Alerts" />}
      controls={
        <SegmentedControl
          aria-label="Which alerts"
          value={show}
          onChange={(value) => change({ show: value as AlertView })}
          data={VIEWS}
        />
      }
      empty={<NoAlerts view={show} onShowAll={() => change({ show: 'all' })} />}
    >
      {(alerts) => (
        <ul ref={list} className={`panel ${styles.list}`} aria-label="Alerts">
          {alerts.map((alert) => (
            <AlertItem key={alert.id} alert={alert} />
          ))}
        </ul>
      )}
    </ListScreen>
  );
}

function NoAlerts({ view, onShowAll }: { view: AlertView; onShowAll: () => void }) {
  return (
    <EmptyState
      icon={IconBellCheck}
      title={view === 'open' ? 'No open alerts' : 'No alerts in this view'}
      action={
        view !== 'all' && (
          <Button variant="default" onClick={onShowAll}>
            Show all alerts
          </Button>
        )
      }
    >
      <Stack gap={0}>
        <Text c="dimmed">
          Nothing needs a person right now. New alerts appear here by themselves.
        </Text>
      </Stack>
    </EmptyState>
  );
}
