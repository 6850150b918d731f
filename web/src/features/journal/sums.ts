import Big from 'big.js';
import type { OutcomeRow, ResultTotal } from '@/client/schema';
import type { Decimal } from '@/lib/decimal';

function sum(values: readonly (Decimal | null)[]): Decimal {
  return values.reduce<Big>((total, value) => total.plus(value ?? 0), new Big(0)).toFixed();
}

export interface CurrencyTotal {
  currency: string;
  realised: Decimal;
  unrealised: Decimal;
  unpriced: number;
}

/** All strategies together, for each currency: amounts of different ones are never added. */
export function totalsByCurrency(totals: readonly ResultTotal[]): CurrencyTotal[] {
  const currencies = [...new Set(totals.map((total) => total.currency))];
  return currencies.map((currency) => {
    const own = totals.filter((total) => total.currency === currency);
    return {
      currency,
      realised: sum(own.map((total) => total.realised)),
      unrealised: sum(own.map((total) => total.unrealised)),
      unpriced: own.reduce((count, total) => count + total.unpriced, 0),
    };
  });
}

export interface Judgement {
  decisions: number;
  /** Of them, those whose trade has a value since. */
  marked: number;
  result: Decimal;
  /** Of the marked: approved with a gain, rejected with a loss. */
  right: number;
}

/** How decisions of one kind have aged. */
export function judged(rows: readonly OutcomeRow[], decision: OutcomeRow['decision']): Judgement {
  const own = rows.filter((row) => row.decision === decision);
  const marked = own.filter((row) => row.result !== null);
  const gained = marked.filter((row) => new Big(row.result ?? 0).gt(0)).length;
  return {
    decisions: own.length,
    marked: marked.length,
    result: sum(marked.map((row) => row.result)),
    right: decision === 'APPROVE' ? gained : marked.length - gained,
  };
}
