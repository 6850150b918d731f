import { Alert } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import styles from './backtests.module.css';

interface ErrorsProps {
  errors: readonly unknown[];
  isFailure: boolean;
}

/** What went wrong; of a run that went through, what its strategy raised on the way. */
export function Errors({ errors, isFailure }: ErrorsProps) {
  if (errors.length === 0) return null;
  const title = isFailure
    ? 'It failed'
    : `The strategy raised ${errors.length === 1 ? 'an error' : `${errors.length} errors`} on the way`;
  return (
    <Alert
      color={isFailure ? 'red' : 'yellow'}
      variant="outline"
      icon={<IconAlertTriangle aria-hidden />}
      title={title}
      styles={{
        root: { background: `var(--${isFailure ? 'danger' : 'warn'}-bg)` },
        title: { color: `var(--${isFailure ? 'danger' : 'warn'}-fg)` },
      }}
    >
      <ul className={styles.errors}>
        {errors.map((error) => (
          <li key={String(error)}>{String(error)}</li>
        ))}
      </ul>
    </Alert>
  );
}
