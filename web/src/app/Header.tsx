import { ActionIcon, Box, Burger, Indicator } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useDesk } from '@/client/hooks';
import { Brand } from '@/components/Brand';
import { ClientSelector } from './ClientSelector';
import { ColorSchemeToggle } from './ColorSchemeToggle';
import styles from './Header.module.css';
import { MarketClock } from './MarketClock';
import { PaletteKey } from './PaletteKey';
import { StatusStrip } from './StatusStrip';
import { UserMenu } from './UserMenu';

interface HeaderProps {
  isNavigationOpen: boolean;
  onToggleNavigation: () => void;
}

export function Header({ isNavigationOpen, onToggleNavigation }: HeaderProps) {
  return (
    <div className={styles.bar}>
      <div className={styles.group}>
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
        <Box visibleFrom="md" className={styles.client}>
          <ClientSelector />
        </Box>
      </div>
      <Box visibleFrom="xl" className={styles.status}>
        <StatusStrip />
      </Box>
      <div className={styles.group}>
        <MarketClock />
        <PaletteKey />
        <AlertsBell />
        <Box visibleFrom="md">
          <ColorSchemeToggle />
        </Box>
        <UserMenu />
      </div>
    </div>
  );
}

function AlertsBell() {
  const open = useDesk()?.counts.open_alerts ?? 0;
  const label = open === 0 ? 'Alerts: none open' : `Alerts: ${open} open`;
  return (
    <Indicator label={open} size={16} disabled={open === 0} color="red.9" offset={7}>
      <ActionIcon
        component={Link}
        to="/alerts"
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        data-tip={label}
      >
        <IconBell size={20} stroke={1.7} aria-hidden />
      </ActionIcon>
    </Indicator>
  );
}
