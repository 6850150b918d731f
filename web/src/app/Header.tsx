import { ActionIcon, Box, Burger, Group, Indicator, Tooltip } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useDesk } from '@/client/hooks';
import { Brand } from '@/components/Brand';
import { ClientSelector } from './ClientSelector';
import { ColorSchemeToggle } from './ColorSchemeToggle';
import { MarketClock } from './MarketClock';
import { StatusStrip } from './StatusStrip';
import { UserMenu } from './UserMenu';

interface HeaderProps {
  isNavigationOpen: boolean;
  onToggleNavigation: () => void;
}

export function Header({ isNavigationOpen, onToggleNavigation }: HeaderProps) {
  return (
    <Group h="100%" px="md" gap="md" wrap="nowrap" justify="space-between">
      <Group gap="sm" wrap="nowrap">
        <Burger
          hiddenFrom="md"
          size="sm"
          opened={isNavigationOpen}
          onClick={onToggleNavigation}
          aria-label={isNavigationOpen ? 'Close the navigation' : 'Open the navigation'}
          aria-expanded={isNavigationOpen}
          aria-controls="navigation"
        />
        <Brand />
        <Box visibleFrom="md">
          <ClientSelector />
        </Box>
      </Group>
      <Box visibleFrom="lg">
        <StatusStrip />
      </Box>
      <Group gap="xs" wrap="nowrap">
        <MarketClock />
        <AlertsBell />
        <Box visibleFrom="md">
          <ColorSchemeToggle />
        </Box>
        <UserMenu />
      </Group>
    </Group>
  );
}

function AlertsBell() {
  const open = useDesk()?.counts.open_alerts ?? 0;
  const label = open === 0 ? 'Alerts: none open' : `Alerts: ${open} open`;
  return (
    <Tooltip label={label}>
      <Indicator label={open} size={16} disabled={open === 0} color="red.9" offset={4}>
        <ActionIcon
          component={Link}
          to="/alerts"
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={label}
        >
          <IconBell size={20} stroke={1.7} aria-hidden />
        </ActionIcon>
      </Indicator>
    </Tooltip>
  );
}
