/**
 * What one scope says about limits, as a form: an empty field says nothing, so that the wider
 * scopes' word stands; `none` says that there is no limit.
 */
import { read, type Setting, typedFrom, unitWords } from '@/components/config/settings';
import { formatAmount } from '@/lib/decimal';

export type LimitValues = Record<string, unknown>;
export type TypedLimits = Record<string, string>;

const NO_LIMIT = 'none';

/** What the scope says as a person would type it; what it does not say is empty. */
export function typedLimits(settings: readonly Setting[], limits: LimitValues): TypedLimits {
  return Object.fromEntries(
    settings
      .filter((setting) => setting.name in limits)
      .map((setting) => [setting.name, typedLimit(setting, limits[setting.name])]),
  );
}

function typedLimit(setting: Setting, value: unknown): string {
  if (value === null) return NO_LIMIT;
  const typed = typedFrom([setting], { [setting.name]: value })[setting.name];
  if (typeof typed === 'boolean') return typed ? 'on' : 'off';
  return typed === '' || typed === undefined ? NO_LIMIT : typed;
}

export interface LimitsReading {
  limits: LimitValues;
  problems: Record<string, string>;
}

/** What was typed as the API takes it, without what the scope says nothing about. */
export function readLimits(settings: readonly Setting[], typed: TypedLimits): LimitsReading {
  const limits: LimitValues = {};
  const problems: Record<string, string> = {};
  for (const setting of settings) {
    const text = (typed[setting.name] ?? '').trim();
    if (text === '') continue;
    const { value, problem } = readLimit(setting, text);
    if (problem === undefined) limits[setting.name] = value;
    else problems[setting.name] = problem;
  }
  return { limits, problems };
}

function readLimit(setting: Setting, text: string): { value?: unknown; problem?: string } {
  if (setting.kind === 'flag') return { value: text === 'on' };
  if (setting.kind === 'list') return { value: listOf(setting, text) };
  if (text.toLowerCase() === NO_LIMIT) {
    return setting.isOptional ? { value: null } : { problem: 'This limit cannot be left off.' };
  }
  const { config, problems } = read([setting], { [setting.name]: text });
  const problem = problems[setting.name];
  return problem === undefined ? { value: config[setting.name] } : { problem };
}

/** Symbols are written in capitals, slugs of strategies are not. `none` names nothing. */
function listOf(setting: Setting, text: string): string[] | null {
  const isNone = text.toLowerCase() === NO_LIMIT;
  if (isNone) return setting.isOptional ? null : [];
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const isSymbols = setting.name.endsWith('symbols');
  return words.map((word) => (isSymbols ? word.toUpperCase() : word.toLowerCase()));
}

/** A limit as a person reads it: `10 contracts`, `250,000`, `no limit`, `nothing said`. */
export function limitWords(setting: Setting, value: unknown): string {
  if (value === undefined) return 'nothing said';
  if (value === null) return 'no limit';
  const typed = typedLimit(setting, value);
  if (setting.kind === 'flag') return typed === 'on' ? 'yes' : 'no';
  if (setting.kind === 'list') return typed;
  if (setting.unit === 'currency') return formatAmount(typed);
  return setting.unit === '' ? typed : `${typed} ${unitWords(setting)}`;
}

export interface LimitChange {
  setting: Setting;
  before: string;
  after: string;
}

/** What differs between two versions of what one scope says. */
export function limitChanges(
  settings: readonly Setting[],
  before: LimitValues,
  after: LimitValues,
): LimitChange[] {
  return settings
    .map((setting) => ({
      setting,
      before: limitWords(setting, before[setting.name]),
      after: limitWords(setting, after[setting.name]),
    }))
    .filter((change) => change.before !== change.after);
}
