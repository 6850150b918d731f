/** What a person fills in to start a backtest or a sweep, and what the API is asked for it. */
import type { BacktestAsk, StrategyKind, SweepAsk } from '@/client/schema';
import {
  type Config,
  read,
  type Setting,
  settingsOf,
  type Typed,
  typedFrom,
} from '@/components/config/settings';
import { isPositiveDecimal } from '@/lib/decimal';

/** One setting to be tried with several values, typed with commas between them. */
export interface Trial {
  key: string;
  setting: string;
  values: string;
}

export interface Form {
  strategy: string;
  name: string;
  /** Empty for the whole desk. */
  owner: string;
  data: string[];
  side: string[];
  start: string;
  end: string;
  cash: string;
  fills: BacktestAsk['fills']['kind'];
  fraction: string;
  isSizeLimited: boolean;
  commission: BacktestAsk['commission'];
  margin: BacktestAsk['margin'];
  seed: string;
  trials: Trial[];
  objective: string;
}

export const FILLS: { value: Form['fills']; label: string }[] = [
  { value: 'cross', label: 'At the touch: buys pay the ask, sells get the bid' },
  { value: 'mid', label: 'At the middle of bid and ask' },
  { value: 'fraction', label: 'Part of the way from the middle to the touch' },
  { value: 'walk', label: 'Walked step by step, as the live desk does' },
];

export const COMMISSIONS: { value: Form['commission']; label: string }[] = [
  { value: 'ibkr-fixed', label: 'IBKR fixed' },
  { value: 'ibkr-tiered', label: 'IBKR tiered' },
  { value: 'none', label: 'None' },
];

export const MARGINS: { value: Form['margin']; label: string }[] = [
  { value: 'regt', label: 'Regulation T' },
  { value: 'portfolio', label: 'Portfolio margin (estimate)' },
];

export const EMPTY: Form = {
  strategy: '',
  name: '',
  owner: '',
  data: [],
  side: [],
  start: '',
  end: '',
  cash: '100000',
  fills: 'cross',
  fraction: '50',
  isSizeLimited: false,
  commission: 'ibkr-fixed',
  margin: 'regt',
  seed: '0',
  trials: [],
  objective: 'sharpe',
};

/** The settings of a strategy for a backtest, which finds its universe in the data. */
export function backtestSettings(kind: StrategyKind): Setting[] {
  return settingsOf(kind.config_schema).map((setting) =>
    setting.name === 'universe'
      ? {
          ...setting,
          isRequired: false,
          help: `${setting.help} Left empty: every underlying of the data.`.trim(),
        }
      : setting,
  );
}

/** Every setting at its default, but the universe: a live desk's is seldom that of the data. */
export function typedOf(kind: StrategyKind, config: Config = {}): Typed {
  return typedFrom(backtestSettings(kind), { ...kind.defaults, universe: [], ...config });
}

/** The form as an earlier request would have been filled in. */
export function formFrom(request: Readonly<Record<string, unknown>>, owner: string): Form {
  const text = (name: string, otherwise: string) => String(request[name] ?? otherwise);
  const list = (name: string) => ((request[name] ?? []) as unknown[]).map(String);
  const fills = (request.fills ?? {}) as Partial<BacktestAsk['fills']>;
  return {
    ...EMPTY,
    strategy: text('strategy', ''),
    owner,
    data: list('data'),
    side: list('side'),
    start: text('start', ''),
    end: text('end', ''),
    cash: text('cash', EMPTY.cash),
    fills: fills.kind ?? EMPTY.fills,
    fraction: String(Number(fills.fraction ?? 0.5) * 100),
    isSizeLimited: fills.size_limited ?? false,
    commission: (request.commission ?? EMPTY.commission) as Form['commission'],
    margin: (request.margin ?? EMPTY.margin) as Form['margin'],
    seed: text('seed', '0'),
  };
}

export type Problems = Readonly<Record<string, string>>;

export interface Asked {
  ask: BacktestAsk;
  /** Absent where nothing is to be tried with several values. */
  grid: SweepAsk['grid'] | undefined;
  /** How many backtests that makes. */
  total: number;
  /** What is wrong, by the field's name; a setting's by its own. */
  problems: Problems;
}

const MOST_POINTS = 10_000;

/** What to ask the API for, or what must be corrected first. */
export function askOf(form: Form, kind: StrategyKind, typed: Typed): Asked {
  const settings = backtestSettings(kind);
  const problems: Record<string, string> = {};
  const { config, problems: wrong } = read(settings, typed);
  Object.assign(problems, wrong);
  if (Array.isArray(config.universe) && config.universe.length === 0) delete config.universe;
  if (form.data.length === 0) problems.data = 'Choose what it runs on.';
  if (!isPositiveDecimal(form.cash)) problems.cash = 'Enter an amount.';
  if (!/^\d{1,9}$/.test(form.seed)) problems.seed = 'Enter a whole number.';
  if (form.start !== '' && form.end !== '' && form.end < form.start) {
    problems.end = 'It lies before the first session.';
  }
  const fraction = Number(form.fraction);
  if (form.fills === 'fraction' && !(fraction >= 0 && fraction <= 100)) {
    problems.fraction = 'Allowed: 0 to 100.';
  }
  const { grid, total } = gridOf(form.trials, settings, problems);
  if (total > MOST_POINTS) problems.trials = `${total} backtests; ${MOST_POINTS} are the most.`;
  return { ask: bodyOf(form, kind, config), grid, total, problems };
}

function bodyOf(form: Form, kind: StrategyKind, config: Config): BacktestAsk {
  return {
    strategy: kind.slug,
    config: config as BacktestAsk['config'] & object,
    data: form.data,
    side: form.side,
    client_id: form.owner === '' ? null : form.owner,
    name: form.name.trim(),
    start: form.start === '' ? null : form.start,
    end: form.end === '' ? null : form.end,
    cash: form.cash,
    fills: {
      kind: form.fills,
      fraction: String(Number(form.fraction) / 100),
      steps: 4,
      size_limited: form.isSizeLimited,
      same_quote: false,
    },
    commission: form.commission,
    margin: form.margin,
    seed: Number(form.seed),
  };
}

/** The values of every trial; what is wrong with one is told under `trial.` and its key. */
function gridOf(
  trials: readonly Trial[],
  settings: readonly Setting[],
  problems: Record<string, string>,
): Pick<Asked, 'grid' | 'total'> {
  if (trials.length === 0) return { grid: undefined, total: 1 };
  const grid: Record<string, unknown[]> = {};
  for (const { key, setting: name, values } of trials) {
    const setting = settings.find((each) => each.name === name);
    const entries = values.split(',').map((each) => each.trim());
    const readings = entries.map((entry) =>
      setting === undefined
        ? { config: {}, problems: { [name]: 'Choose a setting.' } }
        : read([setting], { [name]: setting.kind === 'flag' ? entry === 'on' : entry }),
    );
    const wrong = readings.map((reading) => reading.problems[name]).find(Boolean);
    if (wrong !== undefined) problems[`trial.${key}`] = wrong;
    else if (name in grid) problems[`trial.${key}`] = 'It is tried above.';
    else grid[name] = readings.map((reading) => (reading.config as Config)[name]);
  }
  const total = Object.values(grid).reduce((product, values) => product * values.length, 1);
  return { grid: grid as SweepAsk['grid'], total };
}
