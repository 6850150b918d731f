import { Text } from '@mantine/core';
import { useMe } from '@/client/hooks';
import type { RecommendationDetail } from '@/client/schema';
import { meanwhileWords } from './meanwhile';

interface MeanwhileProps {
  /** When the form was opened, and now. */
  seen: RecommendationDetail;
  detail: RecommendationDetail;
}

/** What somebody else did while a form was open. */
export function Meanwhile({ seen, detail }: MeanwhileProps) {
  const me = useMe().user.id;
  const words = meanwhileWords(seen, detail, me);
  return (
    <div aria-live="assertive">
      {words !== null && (
        <Text fw={650} size="sm">
          {words}
        </Text>
      )}
    </div>
  );
}
