import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import styles from './Secret.module.css';

/** Something shown this once, to be copied. */
export function Secret({ label, value }: { label: string; value: string }) {
  const { copied, copy } = useClipboard({ timeout: 4000 });
  return (
    <div className={styles.secret}>
      <output className={styles.value} aria-label={label}>
        {value}
      </output>
      <Button
        variant="default"
        size="xs"
        leftSection={
          copied ? <IconCheck size={14} aria-hidden /> : <IconCopy size={14} aria-hidden />
        }
        onClick={() => copy(value)}
      >
        {copied ? 'Copied' : 'Copy'}
      </Button>
    </div>
  );
}
