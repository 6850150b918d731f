import { describe, expect, it } from 'vitest';
import type { TradeOutlook } from '@/client/schema';
import { recommendation } from '@/testing/factories';
import { assignmentWords } from './assignment';

function outlook(changes: Partial<TradeOutlook>): TradeOutlook {
  return {
    cash: '200000',
    short_put_cash_before: '0',
    short_put_cash_after: '128000',
    ...changes,
  } as TradeOutlook;
}

describe('what happens at assignment', () => {
  it('names the shares, their cost after the premium, and the cash there is', () => {
    const words = assignmentWords(recommendation(), outlook({}));
    expect(words[0]).toMatch(/^200 SPY come in at 640.00 and cost 128,000 USD\.$/);
    expect(words[1]).toContain('635.85');
    expect(words[2]).toContain('the account holds 200,000');
  });

  it('warns where cash does not reach', () => {
    const words = assignmentWords(recommendation(), outlook({ cash: '1000' }));
    expect(words.at(-1)).toContain('borrowed');
  });

  it('says nothing of a trade that closes', () => {
    expect(assignmentWords(recommendation({ action: 'CLOSE' }), outlook({}))).toEqual([]);
  });

  it('knows that an index settles in cash', () => {
    const words = assignmentWords(recommendation(), outlook({ short_put_cash_after: '0' }));
    expect(words).toHaveLength(1);
    expect(words[0]).toContain('settles in cash');
  });

  it('says what bounds the loss of a spread', () => {
    const { contract } = recommendation();
    const legs = (['SELL', 'BUY'] as const).map((side, index) => ({
      side,
      ratio: 1,
      contract: { ...contract, strike: ['640', '630'][index] ?? '' },
    }));
    const words = assignmentWords(recommendation({ legs }), outlook({}));
    expect(words).toEqual([
      'It settles in cash. Below 640 the difference is paid; from 630 down the put bought pays it back, so it is at most 2,000 USD.',
    ]);
  });
});
