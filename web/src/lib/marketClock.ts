/**
 * Market time comes from the broker by way of the API. Between two readings it is carried forward
 * on the browser's monotonic clock, never on its wall clock, which may be wrong or be changed.
 */

export interface ClockReading {
  /** Market time at the reading, epoch milliseconds. */
  marketAt: number;
  /** Market seconds per second: 1 for a real broker, more for a fast simulated one. */
  rate: number;
  /** `performance.now()` when the reading arrived. */
  readAt: number;
}

export type Urgency = 'calm' | 'soon' | 'urgent' | 'over';

const URGENT_SECONDS = 60;
const SOON_SECONDS = 10 * 60;

/** Clocks of two machines may differ by some seconds without meaning anything. */
const APART_MS = 60_000;

export function readingOf(
  market: { now: string | null; rate: number } | undefined,
  readAt: number,
): ClockReading | null {
  if (market === undefined || market.now === null) return null;
  return { marketAt: Date.parse(market.now), rate: market.rate, readAt };
}

/** Whether market time is so far from `hostAt`, epoch milliseconds, that the two must be told apart. */
export function isApart(market: { now: string | null; rate: number }, hostAt: number): boolean {
  if (market.now === null) return false;
  return market.rate !== 1 || Math.abs(Date.parse(market.now) - hostAt) > APART_MS;
}

/** Market time, epoch milliseconds, at monotonic time `at`. */
export function marketTime(reading: ClockReading, at: number): number {
  return reading.marketAt + Math.max(0, at - reading.readAt) * reading.rate;
}

/**
 * Seconds a person really has until market time reaches `deadline`; 0 once it has. With a fast
 * simulated market these are fewer than the market seconds.
 */
export function secondsLeft(reading: ClockReading, deadline: string, at: number): number {
  const marketSeconds = (Date.parse(deadline) - marketTime(reading, at)) / 1000;
  return Math.max(0, marketSeconds / reading.rate);
}

export function urgencyOf(seconds: number): Urgency {
  if (seconds <= 0) return 'over';
  if (seconds <= URGENT_SECONDS) return 'urgent';
  return seconds <= SOON_SECONDS ? 'soon' : 'calm';
}
