/**
 * Trades of several legs at one net price. On the wire a package is bought, at a price that is
 * negative where it brings money in; a person reads and types credits and debits.
 */
import {
  compareDecimals,
  type Decimal,
  formatPrice,
  formatQuantity,
  formatStrike,
  negated,
} from './decimal';
import { formatDate } from './time';

export interface TradeLeg {
  side: 'BUY' | 'SELL';
  ratio: number;
  contract: {
    symbol: string;
    expiry: string;
    strike: Decimal;
    right: 'P' | 'C';
  };
}

export function isPackage(legs: readonly TradeLeg[]): boolean {
  return legs.length > 1;
}

/** `SPY 18 Dec 2026 640 puts`. */
export function describeContract(contract: TradeLeg['contract'], quantity = 1): string {
  const right = contract.right === 'P' ? 'put' : 'call';
  const plural = quantity === 1 ? '' : 's';
  const strike = formatStrike(contract.strike);
  return `${contract.symbol} ${formatDate(contract.expiry)} ${strike} ${right}${plural}`;
}

/** `Sell 2 SPY 18 Dec 2026 640 puts`: one leg as it is traded. */
export function describeLeg({ side, ratio, contract }: TradeLeg, quantity: number): string {
  const count = ratio * quantity;
  return `${side === 'SELL' ? 'Sell' : 'Buy'} ${formatQuantity(count)} ${describeContract(contract, count)}`;
}

/** All legs of `quantity` units: `Buy 2 SPY … puts, sell 2 SPY … puts`. */
export function describeTrade(legs: readonly TradeLeg[], quantity: number): string {
  return legs
    .map((leg) => describeLeg(leg, quantity))
    .map((words, index) => (index === 0 ? words : words[0]?.toLowerCase() + words.slice(1)))
    .join(', ');
}

/** `a credit of 1.20`, `a debit of 0.35`. */
export function netPriceWords(price: Decimal): string {
  const sign = compareDecimals(price, '0');
  if (sign === 0) return 'no net cost';
  return sign < 0
    ? `a credit of ${formatPrice(negated(price))}`
    : `a debit of ${formatPrice(price)}`;
}

/** A price per share as a table shows it: `4.15`; of a package `1.20 credit`. */
export function priceWords(legs: readonly TradeLeg[], price: Decimal): string {
  if (!isPackage(legs)) return formatPrice(price);
  const sign = compareDecimals(price, '0');
  if (sign === 0) return formatPrice(price);
  return sign < 0 ? `${formatPrice(negated(price))} credit` : `${formatPrice(price)} debit`;
}

/**
 * Bid and ask as whoever trades reads them: `4.05 × 4.20`; of a package that brings money in
 * `4.30 × 5.30 credit`, what is paid for it first, though on the wire it is bought.
 */
export function marketWords(legs: readonly TradeLeg[], bid: Decimal, ask: Decimal): string {
  if (!isPackage(legs)) return `${formatPrice(bid)} × ${formatPrice(ask)}`;
  const [low, high] = [compareDecimals(bid, '0'), compareDecimals(ask, '0')];
  if (low <= 0 && high <= 0 && low + high < 0) {
    return `${formatPrice(negated(ask))} × ${formatPrice(negated(bid))} credit`;
  }
  if (low >= 0 && high >= 0) return `${formatPrice(bid)} × ${formatPrice(ask)} debit`;
  return `${priceWords(legs, bid)} × ${priceWords(legs, ask)}`;
}

/** Whether one option is sold and a like one bought: the strikes bound what can be lost. */
export function isSpread(legs: readonly TradeLeg[]): boolean {
  const [one, other] = legs;
  return (
    legs.length === 2 &&
    one?.side !== other?.side &&
    one?.contract.right === other?.contract.right &&
    one?.contract.expiry === other?.contract.expiry
  );
}
