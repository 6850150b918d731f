import { type SectionTab, SectionTabs } from './SectionTabs';

const LOGS: readonly Omit<SectionTab, 'isCurrent'>[] = [
  { label: 'Alerts', link: { to: '/alerts' } },
  {
    label: 'Strategy errors',
    link: { to: '/logs/$log', params: { log: 'strategy-errors' } },
  },
  {
    label: 'Broker messages',
    link: { to: '/logs/$log', params: { log: 'broker-messages' } },
  },
  { label: 'Discrepancies', link: { to: '/discrepancies' } },
  { label: 'Audit trail', link: { to: '/logs/$log', params: { log: 'audit' } } },
  { label: 'Health', link: { to: '/logs/$log', params: { log: 'health' } } },
];

/** All that there is to read of what happened, one beside the other. */
export function LogTabs({ current }: { current: string }) {
  return (
    <SectionTabs
      label="Logs and alerts"
      tabs={LOGS.map((log) => ({ ...log, isCurrent: log.label === current }))}
    />
  );
}
