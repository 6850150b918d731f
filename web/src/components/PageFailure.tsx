import { useRouter } from '@tanstack/react-router';
import { useState } from 'react';
import { isDeskThere } from '@/client/code';
import { hasCode, NO_SCREEN } from '@/client/problem';
import { ProblemNotice } from './ProblemNotice';

/** What a whole page shows when it could not be loaded. */
export function PageFailure({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const router = useRouter();
  const [isRetrying, setIsRetrying] = useState(false);
  const retry = async () => {
    if (hasCode(error, NO_SCREEN)) {
      // Styles that failed with the code are asked for by a new document alone.
      setIsRetrying(true);
      if (await isDeskThere()) window.location.reload();
      else setIsRetrying(false);
      return;
    }
    onRetry();
    void router.invalidate();
  };
  return (
    <div style={{ padding: '1.5rem', maxWidth: '44rem', margin: '0 auto' }}>
      <ProblemNotice error={error} onRetry={() => void retry()} isRetrying={isRetrying} />
    </div>
  );
}
