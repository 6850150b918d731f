import { Title } from '@mantine/core';
import styles from './PageTitle.module.css';

/** What a screen is called: its heading, which takes the focus when one arrives, and its tab. */
export function PageTitle({ children }: { children: string }) {
  return (
    <>
      <title>{`${children} · Greenlight`}</title>
      <Title order={1} tabIndex={-1} className={styles.title}>
        {children}
      </Title>
    </>
  );
}
