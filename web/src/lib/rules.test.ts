import { describe, expect, it } from 'vitest';
import { ruleFigure, ruleName } from './rules';

const figure = (rule: string, written: string) => ruleFigure(rule, written, 'America/New_York');

describe('a rule', () => {
  it('has a name for people', () => {
    expect(ruleName('pm_usage_after')).toBe('Margin usage after the trade');
  });

  it('of a new strategy is still readable', () => {
    expect(ruleName('iv_rank_high')).toBe('Iv rank high');
  });
});

describe('the figures of a rule', () => {
  it('separate thousands of money and keep the words around it', () => {
    expect(figure('max_notional', '≤ 250000')).toBe('≤ 250,000');
    expect(figure('covered', '≤ cash 895000.5')).toBe('≤ cash 895,000.50');
    expect(figure('size', 'contracts: 2, cash: 97000')).toBe('contracts: 2, cash: 97,000');
  });

  it('give prices their cents', () => {
    expect(figure('quote_two_sided', '3.65 × 3.7')).toBe('3.65 × 3.70');
    expect(figure('price_collar', '3.2850 … 7.4000')).toBe('3.285 … 7.40');
    expect(figure('underlying_drift', '-0.07% at 181.6')).toBe('−0.07% at 181.60');
  });

  it('show a fraction as per cent', () => {
    expect(figure('pm_usage_now', '0.036993')).toBe('3.7%');
    expect(figure('pm_usage_now', '≤ 0.5')).toBe('≤ 50.0%');
  });

  it('tell moments in exchange time and dates as dates', () => {
    expect(figure('approval_fresh', 'no later than 2026-11-23 17:03:28 UTC')).toBe(
      'no later than 23 Nov 12:03:28 EST',
    );
    expect(figure('not_expired', '≤ 2026-12-18')).toBe('≤ 18 Dec 2026');
  });

  it('leave alone what is no figure', () => {
    expect(figure('account_known', 'DU1000001 USD')).toBe('DU1000001 USD');
    expect(figure('covered', 'DU1000001')).toBe('DU1000001');
    expect(figure('max_notional', 'none: reduces risk')).toBe('none: reduces risk');
  });
});
