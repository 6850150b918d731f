import { useQuery } from '@tanstack/react-query';
import type { RecommendationDetail } from '@/client/schema';
import { usageWords } from '@/lib/consequence';
import { outlookQuery } from './outlookQuery';

/** The change in margin usage in words, for as long as it is offered; null where it is not known. */
export function useUsage(detail: RecommendationDetail, quantity: number | null): string | null {
  const isOffered = detail.state === 'PROPOSED';
  const { data } = useQuery({ ...outlookQuery(detail.id), enabled: isOffered });
  const outlook = data?.outlook;
  if (!isOffered || outlook === undefined || outlook === null) return null;
  const estimate = {
    before: fraction(outlook.pm_usage_before),
    after: fraction(outlook.pm_usage_after),
  };
  return usageWords(estimate, detail.quantity, quantity ?? detail.quantity);
}

const fraction = (written: string | null) => (written === null ? null : Number(written));
