/** What strategy runs came to, in words. */
import type { StrategyRow, StrategyRunRow } from '@/client/schema';

/** `2 recommendations of 14 found`, or why there is none. */
export function runSummary(run: StrategyRunRow): string {
  if (run.status === 'RUNNING') return 'Looking at the market…';
  if (run.status === 'FAILED') return 'Failed';
  if (run.status === 'CANCELLED') return 'Cancelled';
  if (run.proposed === 0) return run.no_trade_reason ?? 'Nothing new to recommend';
  const word = run.proposed === 1 ? 'recommendation' : 'recommendations';
  return `${run.proposed} ${word} of ${run.opportunities} found`;
}

/** Why nothing waits for a decision, as far as the strategies are the reason. */
export type Quiet = 'none-on' | 'under-way' | 'not-yet' | 'ran';

/** Of an open market: a run under way counts before what the others found. */
export function whyQuiet(strategies: readonly StrategyRow[]): Quiet {
  if (strategies.some(({ last_run }) => last_run?.status === 'RUNNING')) return 'under-way';
  const atWork = strategies.filter(({ enabled }) => enabled);
  if (atWork.length === 0) return 'none-on';
  return atWork.every(({ last_run }) => last_run === null) ? 'not-yet' : 'ran';
}
