import { describe, expect, it } from 'vitest';
import type { Drift } from '@/client/schema';
import { recommendation } from '@/testing/factories';
import { nowWords, staleWords } from './drift';

const offer = recommendation();

function drift(changes: Partial<Drift> = {}): Drift {
  return {
    as_of: '2026-11-20T15:30:00Z',
    is_live: true,
    bid: '4.05',
    ask: '4.20',
    bid_then: '4.12',
    ask_then: '4.18',
    underlying: '664.40',
    underlying_then: '662.41',
    underlying_moved: 0.003,
    max_drift: '0.01',
    is_beyond: false,
    ...changes,
  };
}

describe('the market since a proposal', () => {
  it('is told in one line while the offer stands', () => {
    expect(staleWords(offer, drift())).toBeNull();
    expect(nowWords(offer, drift())).toBe('Now 4.05 × 4.20, SPY +0.30% since the proposal.');
  });

  it('says by how much the underlying has left what the terms allow', () => {
    const words = staleWords(offer, drift({ is_beyond: true, underlying_moved: -0.0142 }));
    expect(words).toMatch(/SPY has moved −1.42% .* more than the 1.00%/);
    expect(words).toMatch(/would be denied/);
  });

  it('says when nobody pays the least that is accepted any more', () => {
    const words = staleWords(offer, drift({ bid: '3.80', ask: '3.95' }));
    expect(words).toMatch(/3.80 × 3.95, and the worst price it accepts is 4.02/);
    const closing = recommendation({ side: 'BUY', action: 'CLOSE', floor_price: '4.30' });
    expect(staleWords(closing, drift({ bid: '4.45', ask: '4.60' }))).toMatch(/accepts is 4.30/);
  });

  it('claims nothing without a later quote', () => {
    const unknown = drift({ is_live: false, bid: null, ask: null, underlying_moved: null });
    expect(staleWords(offer, unknown)).toBeNull();
    expect(nowWords(offer, unknown)).toBeNull();
  });
});
