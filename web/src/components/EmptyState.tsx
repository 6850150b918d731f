import { Stack, Text, Title } from '@mantine/core';
import type { Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import styles from './EmptyState.module.css';

interface EmptyStateProps {
  icon: Icon;
  title: string;
  children: ReactNode;
  action?: ReactNode;
  /** It is all there is on the page, and its heading. */
  isPage?: boolean;
}

/** Why there is nothing to see, and what to do about it. */
export function EmptyState(props: EmptyStateProps) {
  const { icon: Picture, title, children, action, isPage = false } = props;
  return (
    <div className={styles.empty}>
      <Stack align="center" gap="sm" maw={480} mx="auto">
        <span className={styles.picture}>
          <Picture size={28} stroke={1.6} aria-hidden />
        </span>
        <Title order={isPage ? 1 : 2} size="h2" ta="center">
          {title}
        </Title>
        <Text c="dimmed" ta="center" component="div">
          {children}
        </Text>
        {action}
      </Stack>
    </div>
  );
}
