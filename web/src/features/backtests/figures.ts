/** The figures of a backtest in the order people read them, named and with their units. */
import {
  formatCount,
  formatLevel,
  formatPercent,
  formatSignedPercent,
  NOT_KNOWN,
} from '@/lib/numbers';

type Unit = 'percent' | 'signed' | 'ratio' | 'money' | 'count' | 'days';

export interface FigureKind {
  name: string;
  label: string;
  unit: Unit;
  /** Which end is the better one, where there is one. */
  better?: 'more' | 'less';
  hint?: string;
}

export interface FigureGroup {
  title: string;
  figures: FigureKind[];
}

export const FIGURE_GROUPS: readonly FigureGroup[] = [
  {
    title: 'Return',
    figures: [
      { name: 'return', label: 'Return', unit: 'signed', better: 'more' },
      { name: 'cagr', label: 'Return a year (CAGR)', unit: 'signed', better: 'more' },
      { name: 'equity_start', label: 'Equity at the start', unit: 'money' },
      { name: 'equity_end', label: 'Equity at the end', unit: 'money', better: 'more' },
      { name: 'option_result', label: 'Earned with options', unit: 'money' },
      { name: 'share_result', label: 'Earned with shares', unit: 'money' },
      { name: 'dividends', label: 'Dividends', unit: 'money' },
      { name: 'interest', label: 'Interest', unit: 'money' },
    ],
  },
  {
    title: 'Risk',
    figures: [
      { name: 'volatility', label: 'Volatility a year', unit: 'percent', better: 'less' },
      { name: 'sharpe', label: 'Sharpe', unit: 'ratio', better: 'more' },
      { name: 'sortino', label: 'Sortino', unit: 'ratio', better: 'more' },
      { name: 'max_drawdown', label: 'Deepest drawdown', unit: 'percent', better: 'less' },
      { name: 'max_drawdown_days', label: 'Longest drawdown', unit: 'days', better: 'less' },
      {
        name: 'var_95',
        label: 'Value at risk, 95%',
        unit: 'percent',
        better: 'less',
        hint: 'Loss of a session that 1 in 20 exceeds',
      },
      { name: 'cvar_95', label: 'Mean loss beyond it', unit: 'percent', better: 'less' },
      { name: 'worst_session', label: 'Worst session', unit: 'signed', better: 'more' },
      {
        name: 'tail_days',
        label: 'Tail days',
        unit: 'count',
        better: 'less',
        hint: 'Sessions that lost more than 2%',
      },
    ],
  },
  {
    title: 'Trades',
    figures: [
      { name: 'trades', label: 'Option trades', unit: 'count' },
      { name: 'trades_open', label: 'Still open at the end', unit: 'count' },
      { name: 'win_rate', label: 'Win rate', unit: 'percent', better: 'more' },
      { name: 'profit_factor', label: 'Profit factor', unit: 'ratio', better: 'more' },
      { name: 'average_credit', label: 'Mean credit', unit: 'money' },
      { name: 'average_result', label: 'Mean result', unit: 'money', better: 'more' },
      { name: 'return_on_risk', label: 'Return on risk a trade', unit: 'percent', better: 'more' },
      { name: 'days_in_trade', label: 'Mean time in trade', unit: 'days' },
      { name: 'assignments', label: 'Assignments', unit: 'count' },
      { name: 'rolls', label: 'Rolls', unit: 'count' },
    ],
  },
  {
    title: 'Use and costs',
    figures: [
      { name: 'exposure_mean', label: 'Mean exposure', unit: 'percent' },
      { name: 'time_in_market', label: 'Time in the market', unit: 'percent' },
      { name: 'pm_usage_peak', label: 'Highest margin usage', unit: 'percent', better: 'less' },
      { name: 'margin_calls', label: 'Margin calls', unit: 'count', better: 'less' },
      { name: 'turnover', label: 'Turnover a year', unit: 'ratio' },
      { name: 'commission', label: 'Commission paid', unit: 'money', better: 'less' },
      { name: 'slippage', label: 'Slippage paid', unit: 'money', better: 'less' },
      { name: 'unfilled', label: 'Orders not filled', unit: 'count' },
      { name: 'sessions', label: 'Sessions', unit: 'count' },
    ],
  },
];

export const FIGURES = FIGURE_GROUPS.flatMap((group) => group.figures);

const FORMATS: Record<Unit, (value: number) => string> = {
  percent: formatPercent,
  signed: formatSignedPercent,
  ratio: formatLevel,
  money: formatLevel,
  count: formatCount,
  days: (value) => `${formatCount(value)} days`,
};

export type Stats = Readonly<Record<string, unknown>>;

export function numberOf(stats: Stats, name: string): number | null {
  const value = stats[name];
  return typeof value === 'number' ? value : null;
}

export function figureWords(kind: FigureKind, value: number | null): string {
  // Adding zero takes the sign off a negative one.
  return value === null ? NOT_KNOWN : FORMATS[kind.unit](value + 0);
}

/** Which of `values` are the best; none where all are alike or nothing says which end is better. */
export function bestOf(kind: FigureKind, values: readonly (number | null)[]): boolean[] {
  const known = values.filter((value) => value !== null);
  const best = kind.better === 'more' ? Math.max(...known) : Math.min(...known);
  const isTelling = kind.better !== undefined && known.length > 1 && new Set(known).size > 1;
  return values.map((value) => isTelling && value === best);
}

export interface Exit {
  rule: string;
  trades: number;
  result: number;
  winRate: number | null;
}

/** What ended the trades, the most frequent first. */
export function exitsOf(stats: Stats): Exit[] {
  const by = (stats.by_exit ?? {}) as Record<
    string,
    { trades: number; result: number; win_rate: number | null }
  >;
  return Object.entries(by)
    .map(([rule, each]) => ({
      rule,
      trades: each.trades,
      result: each.result,
      winRate: each.win_rate,
    }))
    .sort((a, b) => b.trades - a.trades);
}

const EXIT_WORDS: Readonly<Record<string, string>> = {
  expired: 'Expired worthless',
  settled: 'Settled in cash',
  assigned: 'Assigned at expiry',
  assigned_early: 'Assigned early',
  exercised: 'Exercised',
  called_away: 'Shares called away',
  liquidated: 'Liquidated by the broker',
  end_of_data: 'Open at the end of the data',
};

/** `profit_take` → `Profit take`. */
export function exitWords(rule: string): string {
  const words = rule.replaceAll('_', ' ');
  return EXIT_WORDS[rule] ?? words.charAt(0).toUpperCase() + words.slice(1);
}
