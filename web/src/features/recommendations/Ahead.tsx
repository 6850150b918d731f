import { Skeleton, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { OutlookAnswer } from '@/client/schema';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import { outlookQuery } from './outlookQuery';

interface AheadProps {
  id: string;
  title: string;
  height: number;
  /** The first part of the card tells why nothing can be told; the others only that. */
  isFirst?: boolean;
  children: (answer: OutlookAnswer) => ReactNode;
}

/** A part of the card that looks ahead, at the latest quotes. */
export function Ahead({ id, title, height, isFirst = false, children }: AheadProps) {
  const query = useQuery(outlookQuery(id));
  return (
    <Section title={title}>
      {query.isPending && <Skeleton height={height} role="status" aria-label="Loading…" />}
      {query.isError && isFirst && (
        <ProblemNotice
          error={query.error}
          onRetry={() => void query.refetch()}
          isRetrying={query.isFetching}
        />
      )}
      {query.isError && !isFirst && query.data === undefined && (
        <Text size="sm">Not known: what lies ahead could not be read, see above.</Text>
      )}
      {query.data !== undefined && children(query.data)}
    </Section>
  );
}
