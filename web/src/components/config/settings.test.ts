import { describe, expect, it } from 'vitest';
import { changesBetween, inWords, limitWords, read, settingsOf, typedFrom } from './settings';

const SCHEMA = {
  required: ['universe'],
  properties: {
    max_delta: {
      title: 'Highest delta',
      type: 'number',
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      group: 'What is sold',
      unit: 'delta',
    },
    min_dte: { title: 'Shortest term', type: 'integer', minimum: 1, maximum: 730, unit: 'days' },
    take_profit: {
      title: 'Profit target',
      anyOf: [
        { type: 'number', exclusiveMinimum: 0, maximum: 1 },
        { type: 'string' },
        { type: 'null' },
      ],
      unit: 'fraction',
    },
    roll: { title: 'Roll', type: 'boolean' },
    universe: { title: 'Universe', type: 'array', items: { type: 'string' }, group: 'Universe' },
  },
};
const SETTINGS = settingsOf(SCHEMA);
const CONFIG = {
  universe: ['SPY', 'QQQ'],
  max_delta: 0.3,
  min_dte: 25,
  take_profit: '0.5',
  roll: true,
};

describe('settings', () => {
  it('puts the universe first and keeps groups together', () => {
    expect(SETTINGS.map((each) => each.name)).toEqual([
      'universe',
      'max_delta',
      'min_dte',
      'take_profit',
      'roll',
    ]);
  });

  it('shows fractions as percentages and reads them back exactly', () => {
    const typed = typedFrom(SETTINGS, CONFIG);
    expect(typed.take_profit).toBe('50');
    expect(read(SETTINGS, { ...typed, take_profit: '7.1' }).config.take_profit).toBe('0.071');
    expect(read(SETTINGS, typed)).toEqual({ config: CONFIG, problems: {} });
  });

  it('reads an emptied optional setting as none, and refuses an emptied required one', () => {
    const typed = { ...typedFrom(SETTINGS, CONFIG), take_profit: '', min_dte: '', universe: ' ,' };
    const { config, problems } = read(SETTINGS, typed);
    expect(config.take_profit).toBeNull();
    expect(problems).toEqual({ min_dte: 'Enter a value.', universe: 'Name at least one.' });
  });

  it.each([
    ['min_dte', '0', 'Allowed: 1 to 730.'],
    ['min_dte', '2.5', 'Enter a whole number.'],
    ['max_delta', '1', 'Allowed: above 0, below 1.'],
    ['take_profit', '101', 'Allowed: above 0, up to 100.'],
    ['take_profit', 'half', 'Enter a number.'],
  ])('refuses %s = %s', (name, text, problem) => {
    const typed = { ...typedFrom(SETTINGS, CONFIG), [name]: text };
    expect(read(SETTINGS, typed).problems[name]).toBe(problem);
  });

  it('lists what changes with its unit', () => {
    const after = { ...CONFIG, take_profit: null, min_dte: 30, universe: ['SPY'] };
    const changes = changesBetween(SETTINGS, CONFIG, after);
    expect(changes.map(({ setting, before, after }) => [setting.name, before, after])).toEqual([
      ['universe', 'SPY, QQQ', 'SPY'],
      ['min_dte', '25 days', '30 days'],
      ['take_profit', '50 %', 'none'],
    ]);
  });

  it('sees no change between a number and the same number as text', () => {
    expect(changesBetween(SETTINGS, CONFIG, { ...CONFIG, take_profit: '0.50' })).toEqual([]);
  });

  it('words bounds and values', () => {
    const [, delta] = SETTINGS;
    expect(delta && limitWords(delta)).toBe('above 0, below 1');
    expect(delta && inWords(delta, 0.25)).toBe('0.25');
  });
});
