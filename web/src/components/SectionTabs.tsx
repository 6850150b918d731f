import { Link, type LinkProps } from '@tanstack/react-router';
import styles from './SectionTabs.module.css';

export interface SectionTab {
  label: string;
  link: Pick<LinkProps, 'to' | 'params'>;
  isCurrent: boolean;
}

/** The parts of a screen as links, each with an address of its own. */
export function SectionTabs({ label, tabs }: { label: string; tabs: readonly SectionTab[] }) {
  return (
    <nav aria-label={label} className={styles.tabs}>
      {tabs.map(({ label: name, link, isCurrent }) => (
        <Link
          key={name}
          {...link}
          className={styles.tab}
          aria-current={isCurrent ? 'page' : undefined}
          activeOptions={{ exact: true, includeSearch: false }}
        >
          {name}
        </Link>
      ))}
    </nav>
  );
}
