import { describe, expect, it } from 'vitest';
import { consequenceOf, usageWords } from './consequence';
import { describeContract, isSpread, marketWords, type TradeLeg } from './package';

const put = (strike: string, expiry = '2026-12-18') =>
  ({ symbol: 'SPX', expiry, strike, right: 'P' }) as const;
const spread: TradeLeg[] = [
  { side: 'SELL', ratio: 1, contract: put('6340') },
  { side: 'BUY', ratio: 1, contract: put('6290') },
];
const roll: TradeLeg[] = [
  { side: 'BUY', ratio: 1, contract: put('6340') },
  { side: 'SELL', ratio: 1, contract: put('6290', '2027-01-15') },
];

describe('the words of a package', () => {
  it('tells the market as whoever sells it reads it', () => {
    expect(marketWords(spread, '-5.30', '-4.30')).toBe('4.30 × 5.30 credit');
    expect(marketWords(spread, '4.30', '5.30')).toBe('4.30 × 5.30 debit');
    expect(marketWords(roll, '-0.10', '0.05')).toBe('0.10 credit × 0.05 debit');
    expect(marketWords(roll, '-0.08', '0')).toBe('0.00 × 0.08 credit');
    expect(marketWords(spread.slice(0, 1), '4.05', '4.20')).toBe('4.05 × 4.20');
  });

  it('names a strike as contracts are named', () => {
    expect(describeContract(put('6340.00'))).toBe('SPX 18 Dec 2026 6340 put');
    expect(describeContract(put('172.5'), 2)).toBe('SPX 18 Dec 2026 172.5 puts');
  });

  it('knows a spread from a roll, and what a spread may cost', () => {
    expect([isSpread(spread), isSpread(roll), isSpread(spread.slice(0, 1))]).toEqual([
      true,
      false,
      false,
    ]);
    const offered = {
      side: 'BUY',
      legs: spread,
      quantity: 2,
      limit_price: '-4.80',
      floor_price: '-3.40',
      contract: { ...put('6340'), multiplier: '100' },
      currency: 'USD',
      assignment_cash: '10000',
    } as const;
    const half = consequenceOf(offered, { quantity: 1, limit_price: null });
    expect(half.assignment).toBe('At most 5,000 USD to pay at expiry.');
  });

  it('tells a change of margin usage as finely as the table does', () => {
    expect(usageWords({ before: 0.0461, after: 0.0484 }, 2, 1)).toBe(
      'PM usage 4.6% → 4.7%, by our estimate.',
    );
  });
});
