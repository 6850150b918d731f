import { describe, expect, it } from 'vitest';
import { settingsOf } from '@/components/config/settings';
import { limitChanges, limitWords, readLimits, typedLimits } from './limits';

const SETTINGS = settingsOf({
  properties: {
    max_contracts: { title: 'Contracts', type: 'integer', minimum: 1, unit: 'contracts' },
    max_notional: {
      title: 'Notional',
      anyOf: [{ type: 'number', exclusiveMinimum: 0 }, { type: 'string' }],
      unit: 'currency',
    },
    max_daily_loss: {
      title: 'Loss per day',
      anyOf: [
        { type: 'number', exclusiveMinimum: 0, maximum: 1 },
        { type: 'string' },
        { type: 'null' },
      ],
      unit: 'fraction',
    },
    require_covered: { title: 'Cover', type: 'boolean' },
    restricted_symbols: { title: 'Restricted', type: 'array', items: { type: 'string' } },
    permitted_strategies: {
      title: 'Permitted',
      anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'null' }],
    },
  },
});
const SAID = {
  max_contracts: 5,
  max_daily_loss: '0.05',
  require_covered: true,
  restricted_symbols: ['GME'],
  permitted_strategies: ['wheel'],
};

const settingOf = (name: string) => {
  const found = SETTINGS.find((each) => each.name === name);
  if (found === undefined) throw new Error(name);
  return found;
};

describe('limits as a form', () => {
  it('types what the scope says and reads the same back, leaving out what it does not say', () => {
    const typed = typedLimits(SETTINGS, SAID);
    expect(typed).toEqual({
      max_contracts: '5',
      max_daily_loss: '5',
      require_covered: 'on',
      restricted_symbols: 'GME',
      permitted_strategies: 'wheel',
    });
    expect(readLimits(SETTINGS, typed)).toEqual({ limits: SAID, problems: {} });
  });

  it('says nothing where a field is emptied, and “no limit” only where there may be none', () => {
    const typed = { max_contracts: '', max_daily_loss: 'none', max_notional: 'none' };
    expect(readLimits(SETTINGS, typed)).toEqual({
      limits: { max_daily_loss: null },
      problems: { max_notional: 'This limit cannot be left off.' },
    });
  });

  it('refuses what lies outside the bounds', () => {
    expect(readLimits(SETTINGS, { max_contracts: '0' }).problems).toEqual({
      max_contracts: 'Allowed: at least 1.',
    });
  });

  it('writes symbols in capitals and slugs without', () => {
    const typed = { restricted_symbols: 'gme, amc', permitted_strategies: 'Wheel' };
    expect(readLimits(SETTINGS, typed).limits).toEqual({
      restricted_symbols: ['GME', 'AMC'],
      permitted_strategies: ['wheel'],
    });
  });

  it('words values with their units', () => {
    expect(limitWords(settingOf('max_notional'), '250000')).toBe('250,000');
    expect(limitWords(settingOf('max_contracts'), 5)).toBe('5 contracts');
    expect(limitWords(settingOf('max_daily_loss'), '0.05')).toBe('5 %');
    expect(limitWords(settingOf('max_daily_loss'), null)).toBe('no limit');
    expect(limitWords(settingOf('require_covered'), false)).toBe('no');
  });

  it('lists what a version changed', () => {
    const { max_contracts: _, ...after } = SAID;
    const changes = limitChanges(SETTINGS, SAID, { ...after, max_notional: '100000' });
    expect(changes.map(({ setting, before, after: now }) => [setting.name, before, now])).toEqual([
      ['max_contracts', '5 contracts', 'nothing said'],
      ['max_notional', 'nothing said', '100,000'],
    ]);
  });
});
