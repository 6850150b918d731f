/**
 * Rules of strategies and controls for people. The records name rules by code and write figures
 * plainly; the screen gives figures separators, cents and exchange time. The desk itself names its
 * controls; names of the strategies' rules are here.
 */
import type { Figure } from '@/client/schema';
import { formatAmount, formatPrice } from './decimal';
import { formatPercentOne } from './numbers';
import { formatDate, formatMoment, zoneName } from './time';

interface RuleWords {
  name: string;
  figure?: Figure;
}

const RULES: Readonly<Record<string, RuleWords>> = {
  dte: { name: 'Days to expiry' },
  out_of_the_money: { name: 'Out of the money', figure: 'PRICE' },
  delta: { name: 'Delta, absolute' },
  bid: { name: 'Bid', figure: 'PRICE' },
  spread: { name: 'Bid–ask spread' },
  open_interest: { name: 'Open interest', figure: 'MONEY' },
  ror_annualised: { name: 'Annualised return' },
  size: { name: 'Size', figure: 'MONEY' },
};

/** `ror_annualised` → `Annualised return`; a rule unknown here by its code, made readable. */
export function ruleName(rule: string): string {
  const words = rule.replaceAll('_', ' ');
  return RULES[rule]?.name ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** A date, perhaps with a time; as a separator that is kept. */
const TIME = /(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d UTC)?)/;
/** A number on its own: not a part of an account code or a percentage. */
const NUMBER = /(?<![\w.])\d+(?:\.\d+)?(?![\w%.])/g;
/** Nobody reads it to its end; the audit trail has it whole. */
const HASH = /^sha256:[0-9a-f]{64}$/;
const HASH_SHOWN = 19;
const MINUS = /-(?=\d)/g;

/** What the numbers of a rule are; plain where nobody says. */
export function figureOf(rule: string): Figure {
  return RULES[rule]?.figure ?? 'PLAIN';
}

/** What a rule saw or allowed: `34000` → `34,000`, `0.0427` → `4.3%`, as the figure demands. */
export function ruleFigure(figure: Figure, written: string, timeZone: string): string {
  const show = SHOW[figure];
  if (HASH.test(written)) return `${written.slice(0, HASH_SHOWN)}…`;
  return written
    .split(TIME)
    .map((part) => inWords(part, timeZone) ?? part.replace(NUMBER, show).replace(MINUS, '−'))
    .join('');
}

const SHOW: Readonly<Record<Figure, (figure: string) => string>> = {
  MONEY: formatAmount,
  PRICE: formatPrice,
  FRACTION: (figure) => formatPercentOne(Number(figure)),
  PLAIN: (figure) => figure,
};

function inWords(part: string, timeZone: string): string | null {
  if (!TIME.test(part)) return null;
  if (!part.endsWith(' UTC')) return formatDate(part);
  const at = new Date(part.replace(' UTC', 'Z').replace(' ', 'T'));
  return `${formatMoment(at, timeZone)} ${zoneName(at, timeZone)}`;
}
