import { describe, expect, it } from 'vitest';
import { curveOf, drawdownsOf, growthOf, onDays, yearsOf } from './curves';
import { bestOf, exitsOf, exitWords, figureWords } from './figures';

describe('the curve of a backtest', () => {
  const answer = {
    columns: ['session', 'equity', 'exposure', 'pm_usage'],
    rows: [
      ['2024-01-30', '101.00', 0.5, null],
      ['2024-01-30', '102.00', 0.6, 0.2],
      ['2024-02-01', '99.96', 0, 0.1],
    ],
    benchmarks: [{ name: 'Hold', description: 'Bought and held', equity: [100, 101, null] }],
  };

  it('takes the last moment of each session', () => {
    const curve = curveOf(answer, 100);
    expect(curve.days).toEqual(['2024-01-30', '2024-02-01']);
    expect(curve.equity).toEqual([102, 99.96]);
    expect(curve.usage).toEqual([0.2, 0.1]);
    expect(curve.benchmarks[0]?.equity).toEqual([101, null]);
  });

  it('falls from the highest so far, the beginning included', () => {
    expect(drawdownsOf([90, 120, 60], 100)).toEqual([90 / 100 - 1, 0, -0.5]);
  });

  it('returns by month on the month before, and by year on all of it', () => {
    const [year, next] = yearsOf(
      ['2023-12-29', '2024-01-30', '2024-03-01'],
      [110, 121, 108.9],
      100,
    );
    expect(year?.months[11]).toBeCloseTo(0.1);
    expect(next?.months.slice(0, 3)).toEqual([expect.closeTo(0.1), null, expect.closeTo(-0.1)]);
    expect(next?.total).toBeCloseTo(108.9 / 110 - 1);
  });

  it('is laid over another on the days of both', () => {
    expect(onDays(['a', 'b', 'c'], ['a', 'c'], [1, 0])).toEqual([1, null, 0]);
    expect(growthOf([110, null], 100)).toEqual([expect.closeTo(0.1), null]);
  });
});

describe('figures', () => {
  const drawdown = { name: 'max_drawdown', label: '', unit: 'percent', better: 'less' } as const;

  it('say which run did best, unless all did alike', () => {
    expect(bestOf(drawdown, [0.2, null, 0.1])).toEqual([false, false, true]);
    expect(bestOf(drawdown, [0.1, 0.1])).toEqual([false, false]);
    expect(bestOf({ ...drawdown, better: undefined } as never, [1, 2])).toEqual([false, false]);
  });

  it('have their unit, and a dash for what could not be told', () => {
    expect(figureWords(drawdown, 0.1234)).toBe('12.34%');
    expect(figureWords(drawdown, null)).toBe('–');
    expect(figureWords(drawdown, -0)).toBe('0.00%');
  });

  it('tell what ended the trades in words, the most frequent first', () => {
    const stats = {
      by_exit: {
        expired: { trades: 1, result: 5, win_rate: 1 },
        profit_take: { trades: 3, result: -2, win_rate: null },
      },
    };
    expect(exitsOf(stats).map((exit) => exitWords(exit.rule))).toEqual([
      'Profit take',
      'Expired worthless',
    ]);
  });
});
