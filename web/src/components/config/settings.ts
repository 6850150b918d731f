/**
 * A strategy's settings as a form: read from the JSON schema of its version, typed as text, and
 * turned back into the values the API takes. Fractions are typed as percentages.
 */
import Big from 'big.js';

export type Config = Record<string, unknown>;
export type Typed = Record<string, string | boolean>;

type Kind = 'flag' | 'whole' | 'number' | 'decimal' | 'list' | 'choice' | 'json';

export interface Bound {
  value: number;
  isExclusive: boolean;
}

export interface Setting {
  name: string;
  title: string;
  help: string;
  group: string;
  unit: string;
  kind: Kind;
  isOptional: boolean;
  isRequired: boolean;
  low: Bound | null;
  high: Bound | null;
  choices: string[];
}

interface Property {
  type?: string;
  title?: string;
  description?: string;
  group?: string;
  unit?: string;
  anyOf?: Property[];
  enum?: unknown[];
  items?: Property;
  $ref?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
}

interface Schema {
  properties?: Record<string, Property>;
  required?: string[];
}

const OTHER = 'Other settings';

/** The settings of a schema in the order of their groups' first appearance. */
export function settingsOf(schema: Config): Setting[] {
  const { properties = {}, required = [] } = schema as Schema;
  const settings = Object.entries(properties).map(([name, property]) =>
    settingOf(name, property, required.includes(name)),
  );
  const groups = [...new Set(settings.map((setting) => setting.group))].sort(
    (a, b) => Number(b === 'Universe') - Number(a === 'Universe'),
  );
  return groups.flatMap((group) => settings.filter((setting) => setting.group === group));
}

function settingOf(name: string, property: Property, isRequired: boolean): Setting {
  const options = property.anyOf ?? [property];
  const isOptional = options.some((each) => each.type === 'null');
  const bounds = options.find((each) => each.type === 'number' || each.type === 'integer');
  return {
    name,
    title: property.title ?? name,
    help: property.description ?? '',
    group: property.group ?? OTHER,
    unit: property.unit ?? '',
    kind: kindOf(options.filter((each) => each.type !== 'null')),
    isOptional,
    isRequired,
    low: boundOf(bounds?.minimum, bounds?.exclusiveMinimum),
    high: boundOf(bounds?.maximum, bounds?.exclusiveMaximum),
    choices: (options.find((each) => each.enum !== undefined)?.enum ?? []).map(String),
  };
}

function boundOf(inclusive: number | undefined, exclusive: number | undefined): Bound | null {
  if (inclusive !== undefined) return { value: inclusive, isExclusive: false };
  if (exclusive !== undefined) return { value: exclusive, isExclusive: true };
  return null;
}

function kindOf(options: Property[]): Kind {
  const types = options.map((option) => option.type);
  const [first] = options;
  if (options.length === 2 && types.includes('number') && types.includes('string')) {
    return 'decimal';
  }
  if (options.length !== 1 || first === undefined) return 'json';
  if (first.enum !== undefined) return 'choice';
  if (first.type === 'boolean') return 'flag';
  if (first.type === 'integer') return 'whole';
  if (first.type === 'number') return 'number';
  return first.type === 'array' && first.items?.type === 'string' ? 'list' : 'json';
}

function isPercentage(setting: Setting): boolean {
  return setting.unit.startsWith('fraction');
}

/** What stands beside the field: `%`, `% a year`, `days`. */
export function unitWords(setting: Setting): string {
  return setting.unit.replace('fraction', '%');
}

/** `1 to 730`, `above 0, up to 100`, `at least 0`. */
export function limitWords(setting: Setting): string {
  const { low, high } = setting;
  const show = (bound: Bound) =>
    isPercentage(setting) ? new Big(bound.value).times(100).toFixed() : String(bound.value);
  if (low !== null && high !== null && !low.isExclusive && !high.isExclusive) {
    return `${show(low)} to ${show(high)}`;
  }
  return [
    low !== null && `${low.isExclusive ? 'above' : 'at least'} ${show(low)}`,
    high !== null && `${high.isExclusive ? 'below' : 'up to'} ${show(high)}`,
  ]
    .filter((part) => part !== false)
    .join(', ');
}

/** Every setting of `config` as a person would type it. */
export function typedFrom(settings: readonly Setting[], config: Config): Typed {
  return Object.fromEntries(
    settings.map((setting) => [setting.name, typed(setting, config[setting.name])]),
  );
}

function typed(setting: Setting, value: unknown): string | boolean {
  if (setting.kind === 'flag') return value === true;
  if (value === null || value === undefined) return '';
  if (setting.kind === 'list') return (value as unknown[]).join(', ');
  if (setting.kind === 'json') return JSON.stringify(value);
  if (setting.kind === 'choice') return String(value);
  const exactly = new Big(String(value));
  return (isPercentage(setting) ? exactly.times(100) : exactly).toFixed();
}

export interface Reading {
  config: Config;
  /** What is wrong, by the setting's name. */
  problems: Record<string, string>;
}

/** What was typed as values for the API. What is empty and has a default is left out. */
export function read(settings: readonly Setting[], typedIn: Typed): Reading {
  const config: Config = {};
  const problems: Record<string, string> = {};
  for (const setting of settings) {
    const entry = typedIn[setting.name] ?? '';
    const { value, problem } = readOne(setting, entry);
    if (problem !== undefined) problems[setting.name] = problem;
    else if (value !== undefined) config[setting.name] = value;
  }
  return { config, problems };
}

interface One {
  value?: unknown;
  problem?: string;
}

const NUMBER = /^-?\d{1,12}(\.\d{1,10})?$/;

function readOne(setting: Setting, entry: string | boolean): One {
  if (typeof entry === 'boolean') return { value: entry };
  const text = entry.trim();
  if (setting.kind === 'list') return readList(setting, text);
  if (text === '') {
    if (setting.isOptional) return { value: null };
    return { problem: 'Enter a value.' };
  }
  if (setting.kind === 'choice') return { value: text };
  if (setting.kind === 'json') return readJson(text);
  if (!NUMBER.test(text)) return { problem: 'Enter a number.' };
  const typedNumber = new Big(text);
  const exactly = isPercentage(setting) ? typedNumber.div(100) : typedNumber;
  if (setting.kind === 'whole' && !exactly.mod(1).eq(0))
    return { problem: 'Enter a whole number.' };
  if (isOutside(setting, exactly)) return { problem: `Allowed: ${limitWords(setting)}.` };
  return { value: setting.kind === 'decimal' ? exactly.toFixed() : exactly.toNumber() };
}

function isOutside({ low, high }: Setting, value: Big): boolean {
  const under = low !== null && (low.isExclusive ? value.lte(low.value) : value.lt(low.value));
  const over = high !== null && (high.isExclusive ? value.gte(high.value) : value.gt(high.value));
  return under || over;
}

function readList(setting: Setting, text: string): One {
  const entries = text
    .split(/[,;\n]+/)
    .map((each) => each.trim().toUpperCase())
    .filter(Boolean);
  if (entries.length === 0 && setting.isRequired) return { problem: 'Name at least one.' };
  return { value: entries };
}

function readJson(text: string): One {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { problem: 'This is not valid JSON.' };
  }
}

export interface SettingChange {
  setting: Setting;
  before: string;
  after: string;
}

/** The settings that differ between two configs, each as a person reads it. */
export function changesBetween(
  settings: readonly Setting[],
  before: Config,
  after: Config,
): SettingChange[] {
  return settings
    .map((setting) => ({
      setting,
      before: inWords(setting, before[setting.name]),
      after: inWords(setting, after[setting.name]),
    }))
    .filter((change) => change.before !== change.after);
}

/** A value with its unit: `5 %`, `25 days`, `on`, `none`. */
export function inWords(setting: Setting, value: unknown): string {
  const entry = typed(setting, value);
  if (typeof entry === 'boolean') return entry ? 'on' : 'off';
  if (entry === '') return 'none';
  const unit = unitWords(setting);
  return unit === '' || unit === 'delta' ? entry : `${entry} ${unit}`;
}
