import { hasCode, NO_ANSWER, NO_ANSWER_IN_TIME } from '@/client/problem';
import { ProblemNotice } from '@/components/ProblemNotice';
import { StopElsewhere } from '@/components/StopElsewhere';

interface StopProblemProps {
  error: unknown;
  onRetry?: () => void;
}

/** Why it did not go from here; where the desk does not answer, what does not need this page. */
export function StopProblem({ error, onRetry }: StopProblemProps) {
  return (
    <>
      <ProblemNotice error={error} {...(onRetry && { onRetry })} />
      {hasCode(error, NO_ANSWER, NO_ANSWER_IN_TIME) && <StopElsewhere />}
    </>
  );
}
