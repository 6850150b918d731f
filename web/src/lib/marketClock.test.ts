import { describe, expect, it } from 'vitest';
import {
  type ClockReading,
  isApart,
  marketTime,
  readingOf,
  secondsLeft,
  urgencyOf,
} from './marketClock';

const READ_AT = 5_000;
const reading: ClockReading = {
  marketAt: Date.parse('2026-11-20T15:30:00Z'),
  rate: 1,
  readAt: READ_AT,
};

describe('the market clock', () => {
  it('moves on with the monotonic clock from the last reading', () => {
    expect(marketTime(reading, READ_AT + 90_000)).toBe(Date.parse('2026-11-20T15:31:30Z'));
  });

  it('never runs backwards behind the reading', () => {
    expect(marketTime(reading, READ_AT - 1_000)).toBe(reading.marketAt);
  });

  it('runs as fast as the simulated market', () => {
    expect(marketTime({ ...reading, rate: 60 }, READ_AT + 1_000)).toBe(
      Date.parse('2026-11-20T15:31:00Z'),
    );
  });

  it('is not known before the broker was heard', () => {
    expect(readingOf({ now: null, rate: 1 }, 0)).toBeNull();
    expect(readingOf(undefined, 0)).toBeNull();
  });
});

describe('market time apart from the desk’s own', () => {
  const hostAt = Date.parse('2026-11-20T15:30:00Z');

  it('is no matter of the seconds that clocks always differ by', () => {
    expect(isApart({ now: '2026-11-20T15:30:02Z', rate: 1 }, hostAt)).toBe(false);
    expect(isApart({ now: null, rate: 60 }, hostAt)).toBe(false);
  });

  it('is a simulated market at another time or pace', () => {
    expect(isApart({ now: '2026-11-23T15:30:00Z', rate: 1 }, hostAt)).toBe(true);
    expect(isApart({ now: '2026-11-20T15:30:00Z', rate: 60 }, hostAt)).toBe(true);
  });
});

describe('time left', () => {
  const deadline = '2026-11-20T15:40:00Z';

  it('counts down to the deadline and stops at zero', () => {
    expect(secondsLeft(reading, deadline, READ_AT)).toBe(600);
    expect(secondsLeft(reading, deadline, READ_AT + 599_000)).toBe(1);
    expect(secondsLeft(reading, deadline, READ_AT + 3_600_000)).toBe(0);
  });

  it('is the time a person has, not the market’s, when the market runs fast', () => {
    expect(secondsLeft({ ...reading, rate: 60 }, deadline, READ_AT)).toBe(10);
  });

  it('grows urgent as it runs out', () => {
    expect([3600, 600, 60, 0].map(urgencyOf)).toEqual(['calm', 'soon', 'urgent', 'over']);
  });
});
