import { Tooltip } from '@mantine/core';
import type { ReactNode } from 'react';
import styles from './Hint.module.css';

interface HintProps {
  label: string;
  children: ReactNode;
}

/** A word with more to say: on hover, on focus and on a tap. */
export function Hint({ label, children }: HintProps) {
  return (
    <Tooltip label={label} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
      <button type="button" className={styles.hint}>
        {children}
      </button>
    </Tooltip>
  );
}
