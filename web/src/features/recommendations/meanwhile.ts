import type { RecommendationDetail } from '@/client/schema';
import { RECOMMENDATION_STATES } from '@/lib/states';

const ACTS = { APPROVE: 'approved', REJECT: 'rejected' } as const;

type Watched = Pick<RecommendationDetail, 'state' | 'decision' | 'approvals'>;

/** What happened to a recommendation while `me` had a form for it open; null for nothing. */
export function meanwhileWords(seen: Watched, now: Watched, me: string): string | null {
  if (now.state !== 'PROPOSED') {
    const { decision } = now;
    if (decision === null)
      return `${RECOMMENDATION_STATES[now.state].meaning} Nothing can be decided any more.`;
    if (decision.by_id === me) return null;
    return `${decision.by} has ${ACTS[decision.action]} it while you were looking. Nothing more can be decided here.`;
  }
  const first = now.approvals.find((each) => each.by_id !== me);
  if (first === undefined || seen.approvals.some((each) => each.by_id === first.by_id)) return null;
  return `${first.by} has approved it meanwhile: yours would be the second approval.`;
}
