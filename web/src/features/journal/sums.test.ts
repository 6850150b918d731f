import { describe, expect, it } from 'vitest';
import type { OutcomeRow, ResultTotal } from '@/client/schema';
import { judged, totalsByCurrency } from './sums';

const total = (currency: string, realised: string, unrealised: string): ResultTotal => ({
  id: null,
  name: 'Wheel',
  currency,
  contracts: 1,
  ended: 1,
  won: 1,
  realised,
  unrealised,
  unpriced: 1,
});

describe('the journal’s sums', () => {
  it('never add amounts of different currencies', () => {
    const found = totalsByCurrency([
      total('USD', '0.1', '1'),
      total('EUR', '5', '0'),
      total('USD', '0.2', '-3'),
    ]);
    expect(found).toEqual([
      { currency: 'USD', realised: '0.3', unrealised: '-2', unpriced: 2 },
      { currency: 'EUR', realised: '5', unrealised: '0', unpriced: 1 },
    ]);
  });

  it('call a rejection right where the trade would have lost, and count none without a mark', () => {
    const row = (decision: 'APPROVE' | 'REJECT', result: string | null) =>
      ({ decision, result }) as OutcomeRow;
    const rows = [
      row('REJECT', '-50'),
      row('REJECT', '20'),
      row('REJECT', null),
      row('APPROVE', '10'),
    ];
    expect(judged(rows, 'REJECT')).toEqual({ decisions: 3, marked: 2, result: '-30', right: 1 });
    expect(judged(rows, 'APPROVE')).toMatchObject({ marked: 1, right: 1 });
  });
});
