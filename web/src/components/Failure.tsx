import type { UseQueryResult } from '@tanstack/react-query';
import { ProblemNotice } from './ProblemNotice';

interface FailureProps {
  query: Pick<UseQueryResult, 'isError' | 'error' | 'isFetching' | 'refetch'>;
}

/** Why something could not be read, and the way to try again; nothing where it could. */
export function Failure({ query }: FailureProps) {
  if (!query.isError) return null;
  return (
    <ProblemNotice
      error={query.error}
      onRetry={() => void query.refetch()}
      isRetrying={query.isFetching}
    />
  );
}
