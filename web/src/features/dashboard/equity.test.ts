import { describe, expect, it } from 'vitest';
import type { ValueHistory } from '@/client/schema';
import { levelOf } from '@/components/Gauge';
import { summaryOf } from './equity';

const point = (net_liquidation: string) => ({
  at: '2026-11-20T15:00:00Z',
  net_liquidation,
  maint_margin: '0',
  excess_liquidity: '0',
  margin_usage: null,
});

describe('the equity curve', () => {
  it('says where it began, where it is and how low it went', () => {
    const history: ValueHistory = {
      currency: 'USD',
      kind: 'PAPER',
      left_out: [],
      points: [point('1000000'), point('998200.4'), point('1042310.55')],
    };
    expect(summaryOf(history)).toBe('From 1,000,000 to 1,042,311 USD; lowest 998,200.');
  });
});

describe('the margin gauge', () => {
  const gauge = { warning: 0.35, critical: 0.5, limit: 0.5 };

  it('warns and alarms from its thresholds on', () => {
    expect(levelOf({ ...gauge, usage: 0.349 })).toBe('ok');
    expect(levelOf({ ...gauge, usage: 0.35 })).toBe('warn');
    expect(levelOf({ ...gauge, usage: 0.5 })).toBe('danger');
  });

  it('claims nothing where usage is not known', () => {
    expect(levelOf({ ...gauge, usage: null })).toBeNull();
  });
});
