import { describe, expect, it } from 'vitest';
import type { Figure } from '@/client/schema';
import { figureOf, ruleFigure, ruleName } from './rules';

const figure = (kind: Figure, written: string) => ruleFigure(kind, written, 'America/New_York');

describe('a rule', () => {
  it('has a name for people', () => {
    expect(ruleName('ror_annualised')).toBe('Annualised return');
    expect(figureOf('bid')).toBe('PRICE');
  });

  it('of a new strategy is still readable', () => {
    expect(ruleName('iv_rank_high')).toBe('Iv rank high');
    expect(figureOf('iv_rank_high')).toBe('PLAIN');
  });
});

describe('the figures of a rule', () => {
  it('separate thousands of money and keep the words around it', () => {
    expect(figure('MONEY', '≤ 250000')).toBe('≤ 250,000');
    expect(figure('MONEY', '≤ 895000.5 in cash')).toBe('≤ 895,000.50 in cash');
    expect(figure('MONEY', 'contracts: 2, cash: 97000')).toBe('contracts: 2, cash: 97,000');
  });

  it('give prices their cents', () => {
    expect(figure('PRICE', '3.65 × 3.7')).toBe('3.65 × 3.70');
    expect(figure('PRICE', '3.2850 … 7.4000')).toBe('3.285 … 7.40');
    expect(figure('PRICE', '-0.07% at 181.6')).toBe('−0.07% at 181.60');
  });

  it('show a fraction as per cent', () => {
    expect(figure('FRACTION', '0.036993')).toBe('3.7%');
    expect(figure('FRACTION', '≤ 0.5')).toBe('≤ 50.0%');
  });

  it('tell moments in exchange time and dates as dates', () => {
    expect(figure('PLAIN', 'no later than 2026-11-23 17:03:28 UTC')).toBe(
      'no later than 23 Nov 12:03:28 EST',
    );
    expect(figure('PLAIN', '≤ 2026-12-18')).toBe('≤ 18 Dec 2026');
  });

  it('leave alone what is no figure', () => {
    expect(figure('PLAIN', 'DU1000001 USD')).toBe('DU1000001 USD');
    expect(figure('MONEY', 'DU1000001')).toBe('DU1000001');
    expect(figure('MONEY', 'none: reduces risk')).toBe('none: reduces risk');
  });

  it('shortens a hash, which nobody reads to its end', () => {
    expect(ruleFigure('PLAIN', `sha256:${'872afcca4621'.padEnd(64, '0')}`, 'UTC')).toBe(
      'sha256:872afcca4621…',
    );
  });
});
