import { describe, expect, it } from 'vitest';
import { safeReturnPath } from './returnPath';
import { manyOf, oneOf, parseSearch, stringifySearch, text } from './searchParams';

describe('filters in the address', () => {
  it('survive the way there and back', () => {
    const search = { state: ['UNKNOWN', 'WORKING'], filter: 'SPY 640' };
    expect(parseSearch(stringifySearch(search))).toEqual(search);
  });

  it('leave out what is not set', () => {
    expect(stringifySearch({ show: undefined, filter: '' })).toBe('');
  });

  it('keep digits as text', () => {
    expect(text(parseSearch('?filter=640'), 'filter')).toEqual({ filter: '640' });
  });

  it('drop values the screen does not know', () => {
    const raw = parseSearch('?show=nonsense&state=UNKNOWN&state=BOGUS');
    expect(oneOf(raw, 'show', ['decide', 'all'])).toEqual({});
    expect(manyOf(raw, 'state', ['UNKNOWN', 'WORKING'])).toEqual({ state: ['UNKNOWN'] });
  });
});

describe('the way back after signing in', () => {
  it('is the page that was asked for', () => {
    expect(safeReturnPath('/orders?state=UNKNOWN')).toBe('/orders?state=UNKNOWN');
  });

  it('never leaves the site and never returns to the login', () => {
    for (const path of [
      '//evil.example',
      'https://evil.example',
      '/\\evil.example',
      '/login',
      undefined,
    ]) {
      expect(safeReturnPath(path)).toBe('/recommendations');
    }
  });
});
