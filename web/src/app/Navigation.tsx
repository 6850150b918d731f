import { Badge, Box, Divider, NavLink, Stack } from '@mantine/core';
import { IconBell, IconChecklist, IconReceipt, IconSend } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useDesk } from '@/client/hooks';
import { ClientSelector } from './ClientSelector';
import { ColorSchemeToggle } from './ColorSchemeToggle';

const SCREENS = [
  { to: '/recommendations', label: 'Recommendations', icon: IconChecklist },
  { to: '/orders', label: 'Orders', icon: IconSend },
  { to: '/executions', label: 'Executions', icon: IconReceipt },
  { to: '/alerts', label: 'Alerts', icon: IconBell },
] as const;

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const counts = useDesk()?.counts;
  const waiting: Record<(typeof SCREENS)[number]['to'], ReactNode> = {
    '/recommendations': <Waiting count={counts?.pending_recommendations} meaning="to decide" />,
    '/orders': <OrdersWaiting working={counts?.working_orders} unknown={counts?.unknown_orders} />,
    '/executions': null,
    '/alerts': <Waiting count={counts?.open_alerts} meaning="open" />,
  };
  return (
    <Stack component="nav" aria-label="Screens" gap={4}>
      <Box hiddenFrom="md" pb="xs">
        <ClientSelector />
        <Divider mt="sm" />
      </Box>
      {SCREENS.map(({ to, label, icon: Picture }) => (
        <Link key={to} to={to} activeOptions={{ exact: false, includeSearch: false }}>
          {({ isActive }) => (
            <NavLink
              component="span"
              active={isActive}
              label={label}
              leftSection={<Picture size={18} stroke={1.7} aria-hidden />}
              rightSection={waiting[to]}
              onClick={onNavigate}
            />
          )}
        </Link>
      ))}
      <Box hiddenFrom="md" pt="xs">
        <Divider mb="sm" />
        <ColorSchemeToggle />
      </Box>
    </Stack>
  );
}

function Waiting({ count = 0, meaning }: { count?: number | undefined; meaning: string }) {
  if (count === 0) return null;
  return (
    <Badge size="sm" variant="default" aria-label={`${count} ${meaning}`}>
      {count}
    </Badge>
  );
}

function OrdersWaiting({
  working,
  unknown = 0,
}: {
  working?: number | undefined;
  unknown?: number | undefined;
}) {
  if (unknown === 0) return <Waiting count={working} meaning="working" />;
  return (
    <Badge size="sm" color="red.9" aria-label={`${unknown} unknown`}>
      {unknown} unknown
    </Badge>
  );
}
