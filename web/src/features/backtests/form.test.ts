import { describe, expect, it } from 'vitest';
import type { StrategyKind } from '@/client/schema';
import { askOf, EMPTY, type Form, formFrom, typedOf } from './form';

const kind: StrategyKind = {
  version_id: 'v1',
  slug: 'theta',
  name: 'Theta',
  version: '1',
  description: '',
  config_schema: {
    properties: {
      universe: { type: 'array', items: { type: 'string' }, title: 'Universe' },
      max_delta: { type: 'number', unit: 'fraction', maximum: 1, title: 'Most delta' },
      exit_dte: { type: 'integer', title: 'Exit', minimum: 0 },
    },
    required: ['universe'],
  },
  defaults: { universe: ['XSP'], max_delta: 0.2, exit_dte: 7 },
  error: null,
};
const filled: Form = { ...EMPTY, strategy: 'theta', data: ['spx'] };

function asked(changes: Partial<Form> = {}, typed = typedOf(kind)) {
  return askOf({ ...filled, ...changes }, kind, typed);
}

describe('what a backtest is asked for', () => {
  it('needs nothing but the data: the strategy has defaults, the universe is what the data holds', () => {
    const { ask, problems, grid } = asked();
    expect(problems).toEqual({});
    expect(grid).toBeUndefined();
    expect(ask).toMatchObject({
      strategy: 'theta',
      data: ['spx'],
      config: { max_delta: 0.2, exit_dte: 7 },
      client_id: null,
      start: null,
    });
    expect(ask.config).not.toHaveProperty('universe');
  });

  it('says what must be corrected, field by field', () => {
    const { problems } = asked({
      data: [],
      cash: 'much',
      seed: '-1',
      start: '2024-02-01',
      end: '2024-01-01',
      fills: 'fraction',
      fraction: '130',
    });
    expect(Object.keys(problems).sort()).toEqual(['cash', 'data', 'end', 'fraction', 'seed']);
  });

  it('is a sweep where settings are tried with several values, typed in their own unit', () => {
    const trials = [
      { key: 'a', setting: 'max_delta', values: '10, 16' },
      { key: 'b', setting: 'exit_dte', values: '0,5,7' },
    ];
    const { grid, total, problems } = asked({ trials });
    expect(problems).toEqual({});
    expect(grid).toEqual({ max_delta: [0.1, 0.16], exit_dte: [0, 5, 7] });
    expect(total).toBe(6);
  });

  it('refuses values that are none, and one setting tried twice', () => {
    const trials = [
      { key: 'a', setting: 'exit_dte', values: '5, soon' },
      { key: 'b', setting: 'max_delta', values: '10' },
      { key: 'c', setting: 'max_delta', values: '20' },
    ];
    expect(Object.keys(asked({ trials }).problems)).toEqual(['trial.a', 'trial.c']);
  });

  it('is filled in as an earlier one was', () => {
    const { ask } = asked({ start: '2019-05-01', fills: 'fraction', fraction: '25', owner: 'c1' });
    const again = formFrom(ask as never, 'c1');
    expect(again).toMatchObject({ start: '2019-05-01', fills: 'fraction', fraction: '25' });
    expect(askOf(again, kind, typedOf(kind, ask.config)).ask).toEqual(ask);
  });
});
