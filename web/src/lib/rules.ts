/**
 * Rules of strategies and controls for people: the records name them by code and write their
 * figures plainly; the screen gives them a name, separators, cents and exchange time.
 */
import { formatAmount, formatPrice } from './decimal';
import { formatPercentOne } from './numbers';
import { formatDate, formatMoment, zoneName } from './time';

type Unit = 'money' | 'price' | 'fraction' | 'asWritten';

interface RuleWords {
  name: string;
  unit?: Unit;
}

const RULES: Readonly<Record<string, RuleWords>> = {
  // Of strategies
  dte: { name: 'Days to expiry' },
  out_of_the_money: { name: 'Out of the money', unit: 'price' },
  delta: { name: 'Delta, absolute' },
  bid: { name: 'Bid', unit: 'price' },
  spread: { name: 'Bid–ask spread' },
  open_interest: { name: 'Open interest', unit: 'money' },
  ror_annualised: { name: 'Annualised return' },
  size: { name: 'Size', unit: 'money' },
  // Of the pre-trade controls
  approval_fresh: { name: 'Approval still fresh' },
  account_known: { name: 'Account is the one approved' },
  trading_state: { name: 'Trading state' },
  close_covered: { name: 'Closes only what is held' },
  approved_quantity: { name: 'Within the approved quantity' },
  no_other_order: { name: 'No other order on this contract' },
  session_open: { name: 'Session open' },
  not_expired: { name: 'Contract not expired' },
  quote_live: { name: 'Quote is live' },
  quote_two_sided: { name: 'Quote has both sides', unit: 'price' },
  quote_not_crossed: { name: 'Quote not crossed: spread', unit: 'price' },
  quote_age: { name: 'Age of the quote' },
  mid_within_floor: { name: 'Mid against the approved bound', unit: 'price' },
  underlying_drift: { name: 'Move of the underlying', unit: 'price' },
  price_increment: { name: 'Price step', unit: 'price' },
  limit_within_floor: { name: 'Limit against the approved bound', unit: 'price' },
  price_collar: { name: 'Limit near the market', unit: 'price' },
  max_contracts: { name: 'Contracts per order' },
  max_notional: { name: 'Notional per order', unit: 'money' },
  account_age: { name: 'Age of the account figures' },
  covered: { name: 'Covered by cash or shares', unit: 'money' },
  pm_usage_now: { name: 'Margin usage now', unit: 'fraction' },
  buying_power: { name: 'Available funds after the trade', unit: 'money' },
  pm_usage_after: { name: 'Margin usage after the trade', unit: 'fraction' },
};

/** `quote_two_sided` → `Quote has both sides`; a rule unknown here by its code, made readable. */
export function ruleName(rule: string): string {
  const words = rule.replaceAll('_', ' ');
  return RULES[rule]?.name ?? words.charAt(0).toUpperCase() + words.slice(1);
}

/** A date, perhaps with a time; as a separator that is kept. */
const TIME = /(\d{4}-\d\d-\d\d(?: \d\d:\d\d:\d\d UTC)?)/;
/** A number on its own: not a part of an account code or a percentage. */
const NUMBER = /(?<![\w.])\d+(?:\.\d+)?(?![\w%.])/g;
const MINUS = /-(?=\d)/g;

/** What a rule saw or allowed: `34000` → `34,000`, `0.0427` → `4.3%`, as its unit demands. */
export function ruleFigure(rule: string, written: string, timeZone: string): string {
  const show = SHOW[RULES[rule]?.unit ?? 'asWritten'];
  return written
    .split(TIME)
    .map((part) => inWords(part, timeZone) ?? part.replace(NUMBER, show).replace(MINUS, '−'))
    .join('');
}

const SHOW: Readonly<Record<Unit, (figure: string) => string>> = {
  money: formatAmount,
  price: formatPrice,
  fraction: (figure) => formatPercentOne(Number(figure)),
  asWritten: (figure) => figure,
};

function inWords(part: string, timeZone: string): string | null {
  if (!TIME.test(part)) return null;
  if (!part.endsWith(' UTC')) return formatDate(part);
  const at = new Date(part.replace(' UTC', 'Z').replace(' ', 'T'));
  return `${formatMoment(at, timeZone)} ${zoneName(at, timeZone)}`;
}
