import { Box, Divider } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useDesk } from '@/client/hooks';
import { Tag } from '@/components/Tag';
import { ClientSelector } from './ClientSelector';
import { ColorSchemeToggle } from './ColorSchemeToggle';
import styles from './Navigation.module.css';
import { SCREEN_GROUPS, type Waiting } from './screens';

export function Navigation({ onNavigate }: { onNavigate: () => void }) {
  const counts = useDesk()?.counts;
  return (
    <nav aria-label="Screens" className={styles.screens}>
      <Box hiddenFrom="md" pb="xs">
        <ClientSelector />
        <Divider mt="sm" />
      </Box>
      {SCREEN_GROUPS.map((group) => (
        <div key={group.label} className={styles.group}>
          <span className={styles.heading} aria-hidden>
            {group.label}
          </span>
          {group.screens.map(({ to, label, icon: Picture, waiting }) => (
            <Link
              key={to}
              to={to}
              className={styles.screen}
              activeOptions={{ exact: to === '/', includeSearch: false }}
              onClick={onNavigate}
            >
              <Picture size={18} stroke={1.7} aria-hidden />
              <span className={styles.label}>{label}</span>
              {counts !== undefined && <Count waiting={waiting(counts)} />}
            </Link>
          ))}
        </div>
      ))}
      <Box hiddenFrom="md" pt="xs">
        <Divider mb="sm" />
        <ColorSchemeToggle />
      </Box>
    </nav>
  );
}

function Count({ waiting: { count, meaning, isAlarming = false } }: { waiting: Waiting }) {
  if (count === 0) return null;
  return (
    <Tag tone={isAlarming ? 'danger' : 'neutral'}>
      {count}
      <span className={isAlarming ? undefined : styles.meaning}> {meaning}</span>
    </Tag>
  );
}
