import { expect, it } from 'vitest';
import { recommendation } from '@/testing/factories';
import { termChanges } from './termChanges';

const ZONE = 'America/New_York';

it('names what a later offer changes, and nothing else', () => {
  const before = recommendation();
  const after = recommendation({
    limit_price: '3.90',
    floor_price: '3.80',
    quantity: 1,
    terms: { ...before.terms, reference_bid: '3.85', reference_ask: '3.95' },
  });
  expect(termChanges(before, after, ZONE)).toEqual([
    {
      label: 'Trade',
      before: 'Sell 2 SPY 18 Dec 2026 640 puts',
      after: 'Sell 1 SPY 18 Dec 2026 640 put',
    },
    { label: 'Limit per share', before: '4.15', after: '3.90' },
    { label: 'Never worse than', before: '4.02', after: '3.80' },
    { label: 'Bid × ask', before: '4.12 × 4.18', after: '3.85 × 3.95' },
  ]);
});

it('has nothing to say of the same terms', () => {
  expect(termChanges(recommendation(), recommendation(), ZONE)).toEqual([]);
});
