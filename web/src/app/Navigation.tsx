import { Box, Divider } from '@mantine/core';
import { IconBell, IconChecklist, IconReceipt, IconSend } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useDesk } from '@/client/hooks';
import type { DeskCounts } from '@/client/schema';
import { Tag } from '@/components/Tag';
import { ClientSelector } from './ClientSelector';
import { ColorSchemeToggle } from './ColorSchemeToggle';
import styles from './Navigation.module.css';

const SCREENS = [
  { to: '/recommendations', label: 'Recommendations', icon: IconChecklist, waiting: toDecide },
  { to: '/orders', label: 'Orders', icon: IconSend, waiting: ordersWaiting },
  { to: '/executions', label: 'Executions', icon: IconReceipt, waiting: nothing },
  { to: '/alerts', label: 'Alerts', icon: IconBell, waiting: openAlerts },
] as const;

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const counts = useDesk()?.counts;
  return (
    <nav aria-label="Screens" className={styles.screens}>
      <Box hiddenFrom="md" pb="xs">
        <ClientSelector />
        <Divider mt="sm" />
      </Box>
      {SCREENS.map(({ to, label, icon: Picture, waiting }) => (
        <Link
          key={to}
          to={to}
          className={styles.screen}
          activeOptions={{ exact: false, includeSearch: false }}
          onClick={onNavigate}
        >
          <Picture size={18} stroke={1.7} aria-hidden />
          <span className={styles.label}>{label}</span>
          {counts !== undefined && waiting(counts)}
        </Link>
      ))}
      <Box hiddenFrom="md" pt="xs">
        <Divider mb="sm" />
        <ColorSchemeToggle />
      </Box>
    </nav>
  );
}

function toDecide(counts: DeskCounts): ReactNode {
  return <Waiting count={counts.pending_recommendations} meaning="to decide" />;
}

function ordersWaiting(counts: DeskCounts): ReactNode {
  if (counts.unknown_orders > 0) return <Tag tone="danger">{counts.unknown_orders} unknown</Tag>;
  return <Waiting count={counts.working_orders} meaning="working" />;
}

function openAlerts(counts: DeskCounts): ReactNode {
  return <Waiting count={counts.open_alerts} meaning="open" />;
}

function nothing(): ReactNode {
  return null;
}

function Waiting({ count, meaning }: { count: number; meaning: string }) {
  if (count === 0) return null;
  return (
    <Tag tone="neutral">
      {count}
      <span className={styles.meaning}> {meaning}</span>
    </Tag>
  );
}
