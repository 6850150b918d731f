import { Anchor } from '@mantine/core';
import { IconArrowLeft } from '@tabler/icons-react';
import type { UseQueryResult } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import styles from './DetailScreen.module.css';
import { Failure } from './Failure';
import { PageSkeleton } from './PageSkeleton';

interface DetailScreenProps<T> {
  query: UseQueryResult<T>;
  /** The list it belongs to, and what that is called. */
  back: { to: LinkProps['to']; label: string };
  /** Its shape while it is on its way, where that is not a list's. */
  skeleton?: ReactNode;
  width?: 'narrow' | 'wide';
  children: (data: T) => ReactNode;
}

/** A screen about one thing: the way back, and how it looks while loading or failing. */
export function DetailScreen<T>(props: DetailScreenProps<T>) {
  const { query, back, skeleton = <PageSkeleton />, width = 'wide', children } = props;
  return (
    <div className={styles.page} data-width={width}>
      <Anchor component={Link} to={back.to} size="sm" className={styles.back}>
        <IconArrowLeft size={14} aria-hidden /> {back.label}
      </Anchor>
      <Failure query={query} />
      {query.isPending && skeleton}
      {query.data !== undefined && children(query.data)}
    </div>
  );
}
