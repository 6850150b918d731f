import '@/styles/segmentedControl';
import { Button, NativeSelect, SegmentedControl } from '@mantine/core';
import { IconBellCheck } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useChosenClient } from '@/client/hooks';
import { alertsQuery } from '@/client/queries';
import type { AlertRow, Severity } from '@/client/schema';
import { AccountFilter } from '@/components/AccountFilter';
import type { Column } from '@/components/columns';
import { EmptyState } from '@/components/EmptyState';
import { ListScreen } from '@/components/ListScreen';
import { LogTabs } from '@/components/LogTabs';
import { AlertItem } from './AlertItem';
import styles from './AlertsPage.module.css';
import { ALERT_SEVERITIES, ALERT_STATES_OF, type AlertsSearch, type AlertView } from './search';

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
  const { show = 'open', severity, account } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(
    alertsQuery({ client: client?.id, account, severity, state: ALERT_STATES_OF[show] }),
  );
  const change = (changes: AlertsSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });

  return (
    <ListScreen<AlertRow>
      title="Alerts"
      name="alerts"
      query={query}
      columns={COLUMNS}
      notice={<LogTabs current="Alerts" />}
      controls={
        <>
          <SegmentedControl
            aria-label="Which alerts"
            value={show}
            onChange={(value) => change({ show: value as AlertView })}
            data={VIEWS}
          />
          <NativeSelect
            aria-label="Severity"
            value={severity?.[0] ?? ''}
            onChange={(event) => {
              const chosen = event.currentTarget.value as Severity | '';
              change({ severity: chosen === '' ? undefined : [chosen] });
            }}
            data={[
              { value: '', label: 'Any severity' },
              ...ALERT_SEVERITIES.map((each) => ({ value: each, label: each })),
            ]}
          />
          <AccountFilter value={account} onChange={(id) => change({ account: id })} />
        </>
      }
      empty={
        <NoAlerts
          view={show}
          isNarrowed={severity !== undefined || account !== undefined}
          onShowAll={() => change({ show: 'all', severity: undefined, account: undefined })}
        />
      }
    >
      {(alerts, list) => (
        <section ref={list}>
          <ul className={`panel ${styles.list}`} aria-label="Alerts">
            {alerts.map((alert) => (
              <AlertItem key={alert.id} alert={alert} />
            ))}
          </ul>
        </section>
      )}
    </ListScreen>
  );
}

interface NoAlertsProps {
  view: AlertView;
  isNarrowed: boolean;
  onShowAll: () => void;
}

function NoAlerts({ view, isNarrowed, onShowAll }: NoAlertsProps) {
  return (
    <EmptyState
      icon={IconBellCheck}
      title={view === 'open' && !isNarrowed ? 'No open alerts' : 'No alerts in this view'}
      action={
        (view !== 'all' || isNarrowed) && (
          <Button variant="default" onClick={onShowAll}>
            Show all alerts
          </Button>
        )
      }
    >
      {isNarrowed
        ? 'None of this severity and account. Others may have some.'
        : 'Nothing needs a person right now. New alerts appear here by themselves.'}
    </EmptyState>
  );
}
