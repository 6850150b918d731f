import { describe, expect, it } from 'vitest';
import {
  consequenceOf,
  limitEntry,
  limitProblem,
  type OfferedTrade,
  quantityProblem,
  sentence,
} from './consequence';

const AS_OFFERED = { quantity: null, limit_price: null };

const contract = {
  symbol: 'SPY',
  expiry: '2026-12-18',
  strike: '640',
  right: 'P',
  multiplier: '100',
} as const;

const sale: OfferedTrade = {
  side: 'SELL',
  legs: [{ side: 'SELL', ratio: 1, contract }],
  quantity: 2,
  limit_price: '4.15',
  floor_price: '4.02',
  contract,
  currency: 'USD',
  assignment_cash: '128000',
};

const purchase: OfferedTrade = {
  ...sale,
  side: 'BUY',
  quantity: 1,
  limit_price: '1.05',
  floor_price: '1.20',
  assignment_cash: null,
};

/** Rolled down and out for a credit: bought, as every package, at a negative price. */
const roll: OfferedTrade = {
  ...sale,
  side: 'BUY',
  legs: [
    { side: 'BUY', ratio: 1, contract },
    { side: 'SELL', ratio: 1, contract: { ...contract, expiry: '2027-01-15', strike: '635' } },
  ],
  limit_price: '-1.20',
  floor_price: '-1.00',
  assignment_cash: '0',
};

const PENNY_THEN_NICKEL = [
  { low_edge: '0', increment: '0.01' },
  { low_edge: '3', increment: '0.05' },
];

describe('the consequence of an approval', () => {
  it('states trade, bound, least credit and cash at assignment of a sale', () => {
    expect(sentence(consequenceOf(sale, AS_OFFERED))).toBe(
      'Sell 2 SPY 18 Dec 2026 640 puts at 4.15 or better, never below 4.02. ' +
        'Receives at least 804 USD before commissions. Cash needed if assigned: 128,000 USD.',
    );
  });

  it('states the most a purchase may cost', () => {
    expect(sentence(consequenceOf(purchase, AS_OFFERED))).toBe(
      'Buy 1 SPY 18 Dec 2026 640 put at 1.05 or better, never above 1.20. ' +
        'Costs at most 120 USD before commissions.',
    );
  });

  it('names every leg of a package, its net credit and what it may come to', () => {
    expect(sentence(consequenceOf(roll, AS_OFFERED))).toBe(
      'Buy 2 SPY 18 Dec 2026 640 puts, sell 2 SPY 15 Jan 2027 635 puts, together for a credit of ' +
        '1.20 or better, never worse than a credit of 1.00. Receives at least 200 USD before ' +
        'commissions. Further cash needed if assigned: 0 USD.',
    );
  });

  it('tells when a package offered for a credit may end in a debit', () => {
    const thin = consequenceOf({ ...roll, floor_price: '0.05' }, AS_OFFERED);
    expect(thin.trade).toContain('never worse than a debit of 0.05.');
    expect(thin.money).toBe('Costs at most 10 USD before commissions.');
  });

  it('shrinks with fewer contracts', () => {
    const fewer = consequenceOf(sale, { quantity: 1, limit_price: null });
    expect(fewer.trade).toContain('Sell 1 SPY 18 Dec 2026 640 put at');
    expect(fewer.assignment).toBe('Cash needed if assigned: 64,000 USD.');
  });

  it('makes a limit chosen by the person the worst price as well', () => {
    const better = consequenceOf(sale, { quantity: null, limit_price: '4.30' });
    expect(better.trade).toContain('at 4.30 or better, never below 4.30.');
    expect(better.money).toBe('Receives at least 860 USD before commissions.');
  });
});

describe('narrowing an offer', () => {
  it('allows a limit at least as good as offered and refuses a worse one', () => {
    expect(limitProblem(sale, PENNY_THEN_NICKEL, '4.15')).toBeNull();
    expect(limitProblem(sale, PENNY_THEN_NICKEL, '4.20')).toBeNull();
    expect(limitProblem(sale, PENNY_THEN_NICKEL, '4.10')).toContain('Worse than offered');
    expect(limitProblem(purchase, PENNY_THEN_NICKEL, '1.00')).toBeNull();
    expect(limitProblem(purchase, PENNY_THEN_NICKEL, '1.06')).toContain('Worse than offered');
  });

  it('takes the increment from the band of the price itself', () => {
    expect(limitProblem(sale, PENNY_THEN_NICKEL, '4.17')).toContain('steps of 0.05');
    expect(limitProblem(purchase, PENNY_THEN_NICKEL, '1.03')).toBeNull();
  });

  it('refuses what is no price', () => {
    expect(limitProblem(sale, PENNY_THEN_NICKEL, '4,20')).toContain('such as');
  });

  it('allows one contract up to the offered number', () => {
    expect(quantityProblem(sale, '1')).toBeNull();
    expect(quantityProblem(sale, '2')).toBeNull();
    for (const text of ['0', '3', '1.5', '-1', ''])
      expect(quantityProblem(sale, text)).not.toBeNull();
  });
});

describe('the limit of a package as a person types it', () => {
  it('is the credit that was offered or more, without a sign', () => {
    const entry = limitEntry(roll);
    expect([entry.label, entry.offered]).toEqual(['Net credit per share', '1.20']);
    expect(entry.toPrice('1.35')).toBe('-1.35');
    const cents = [{ low_edge: '0', increment: '0.01' }];
    expect(limitProblem(roll, cents, '1.35')).toBeNull();
    expect(limitProblem(roll, cents, '1.10')).toBe('Worse than offered: enter 1.20 or more.');
  });

  it('is the debit that was offered or less', () => {
    const debit = { ...roll, limit_price: '0.40', floor_price: '0.50' };
    const entry = limitEntry(debit);
    expect([entry.label, entry.offered]).toEqual(['Net debit per share', '0.40']);
    expect(entry.toPrice('0.35')).toBe('0.35');
    expect(limitProblem(debit, [], '0.45')).toBe('Worse than offered: enter 0.40 or less.');
  });
});
