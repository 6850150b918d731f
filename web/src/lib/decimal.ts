/**
 * Exact decimals as the API sends them: text such as "4.15". They are never turned into floats;
 * arithmetic goes through big.js and formatting through Intl, which reads decimal strings exactly.
 */
import Big from 'big.js';

export type Decimal = string;

/** Whether `text` is a plain positive decimal a person may type as a price. */
export function isPositiveDecimal(text: string): boolean {
  return /^\d{1,12}(\.\d{1,6})?$/.test(text) && new Big(text).gt(0);
}

export function compareDecimals(a: Decimal, b: Decimal): number {
  return new Big(a).cmp(new Big(b));
}

export function product(...factors: (Decimal | number)[]): Decimal {
  return factors.reduce<Big>((result, factor) => result.times(factor), new Big(1)).toFixed();
}

/** The same amount with the other sign; of zero, zero. */
export function negated(value: Decimal): Decimal {
  const exactly = new Big(value);
  return exactly.eq(0) ? '0' : exactly.neg().toFixed();
}

/** `part` of `whole` pieces of an amount. */
export function shareOf(value: Decimal, part: number, whole: number): Decimal {
  return new Big(value).times(part).div(whole).toFixed();
}

export function difference(a: Decimal, b: Decimal): Decimal {
  return new Big(a).minus(new Big(b)).toFixed();
}

export function isDecimal(value: unknown): value is Decimal {
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
}

export function signOf(value: Decimal): -1 | 0 | 1 {
  const sign = new Big(value).cmp(0);
  return sign;
}

/** Whether `price` is a whole number of `step`s. */
export function isMultipleOf(price: Decimal, step: Decimal): boolean {
  return new Big(price).mod(new Big(step)).eq(0);
}

function exact(value: Decimal): Intl.StringNumericLiteral {
  return value as Intl.StringNumericLiteral;
}

function decimalFormat(options: Intl.NumberFormatOptions): (value: Decimal) => string {
  const format = new Intl.NumberFormat('en-US', options);
  // A typographic minus lines up with tabular figures; a hyphen does not.
  return (value) => format.format(exact(value)).replace('-', '−');
}

const whole = decimalFormat({ minimumFractionDigits: 0, maximumFractionDigits: 2 });
const cents = decimalFormat({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
const signedCents = decimalFormat({
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
  signDisplay: 'exceptZero',
});
const price = decimalFormat({ minimumFractionDigits: 2, maximumFractionDigits: 8 });
const plain = decimalFormat({ maximumFractionDigits: 8 });

/** An amount without needless cents: `128,000`, `1,250.5` → `1,250.50`. */
export function formatAmount(value: Decimal): string {
  return isMultipleOf(value, '1') ? whole(value) : cents(value);
}

/** An amount in whole units, for sums where cents tell nothing: `1,042,311`. */
export const formatWhole = decimalFormat({ maximumFractionDigits: 0 });

/** An amount to the cent: `41,250.00`. */
export function formatMoney(value: Decimal): string {
  return cents(value);
}

/** A gain or loss to the cent with its sign: `+830.00`, `−12.40`. */
export function formatSignedMoney(value: Decimal): string {
  return signedCents(value);
}

/** A price per share with every digit it has and at least two decimals: `4.15`, `0.375`. */
export function formatPrice(value: Decimal): string {
  return price(value);
}

/** A price as a person would type it, with at least two decimals and no separators: `4.10`. */
export function typedPrice(value: Decimal): string {
  const exactly = new Big(value);
  return new Big(exactly.toFixed(2)).eq(exactly) ? exactly.toFixed(2) : exactly.toFixed();
}

/** A strike as contracts are named by it, without separators: `6340`, `562.5`. */
export function formatStrike(value: Decimal): string {
  return new Big(value).toFixed();
}

/** A quantity: `640`, `1,200`. */
export function formatQuantity(value: Decimal | number): string {
  return plain(String(value));
}
