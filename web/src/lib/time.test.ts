import { describe, expect, it } from 'vitest';
import { formatClock, formatDate, formatDuration, formatMomentInFull } from './time';

const NEW_YORK = 'America/New_York';

describe('times', () => {
  it('are shown in exchange time, in winter and in summer', () => {
    expect(formatClock(new Date('2026-11-20T15:30:05Z'), NEW_YORK)).toBe('10:30:05');
    expect(formatClock(new Date('2026-07-20T15:30:05Z'), NEW_YORK)).toBe('11:30:05');
  });

  it('name their zone in full form', () => {
    expect(formatMomentInFull(new Date('2026-11-20T15:30:05Z'), NEW_YORK)).toBe(
      '20 Nov 2026, 10:30:05 EST',
    );
  });

  it('keep an expiry on its exchange date wherever the browser is', () => {
    expect(formatDate('2026-12-18')).toBe('18 Dec 2026');
  });

  it('give a duration in the two units that matter', () => {
    expect([180_000, 3_840, 725, 9.9, 0, -5].map(formatDuration)).toEqual([
      '2 d 2 h',
      '1 h 04 min',
      '12 min 05 s',
      '9 s',
      '0 s',
      '0 s',
    ]);
  });
});
