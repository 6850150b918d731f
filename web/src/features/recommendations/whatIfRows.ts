import { type Decimal, difference, isDecimal } from '@/lib/decimal';

export interface WhatIfRow {
  label: string;
  before: Decimal;
  after: Decimal;
  change: Decimal;
}

const LABELS: Readonly<Record<string, string>> = {
  init_margin: 'Initial margin',
  maint_margin: 'Maintenance margin',
  equity_with_loan: 'Equity with loan value',
};

/** The figures of a broker margin preview that have both a before and an after. */
export function whatIfRows(whatIf: Readonly<Record<string, unknown>>): WhatIfRow[] {
  return Object.entries(LABELS).flatMap(([name, label]) => {
    const before = whatIf[`${name}_before`];
    const after = whatIf[`${name}_after`];
    if (!isDecimal(before) || !isDecimal(after)) return [];
    return [{ label, before, after, change: difference(after, before) }];
  });
}
