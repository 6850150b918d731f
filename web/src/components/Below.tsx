import type { ReactNode } from 'react';
import styles from './Below.module.css';

/** What a cell adds in small below its first line. A plain element: a long table has thousands. */
export function Below({ children }: { children: ReactNode }) {
  return <div className={styles.below}>{children}</div>;
}
