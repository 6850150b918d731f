import { useRouter } from '@tanstack/react-router';
import { ProblemNotice } from './ProblemNotice';

/** What a whole page shows when it could not be loaded. */
export function PageFailure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const router = useRouter();
  const retry = () => {
    onRetry();
    void router.invalidate();
  };
  return (
    <div style={{ padding: '1.5rem', maxWidth: '44rem', margin: '0 auto' }}>
      <ProblemNotice error={error} onRetry={retry} />
    </div>
  );
}
