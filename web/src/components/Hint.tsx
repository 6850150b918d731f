import type { ReactNode } from 'react';
import styles from './Hint.module.css';

interface HintProps {
  label: string;
  children: ReactNode;
}

/** A word with more to say: on hover, on focus and on a tap. */
export function Hint({ label, children }: HintProps) {
  return (
    <button type="button" className={styles.hint} data-tip={label}>
      {children}
    </button>
  );
}
