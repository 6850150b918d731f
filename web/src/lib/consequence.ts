/** What pressing the button does, in one or two sentences a person can check against their intent. */
import {
  compareDecimals,
  type Decimal,
  formatAmount,
  formatPrice,
  isMultipleOf,
  isPositiveDecimal,
  negated,
  product,
  shareOf,
  typedPrice,
} from './decimal';
import { formatPercentOne } from './numbers';
import {
  describeContract,
  describeTrade,
  isPackage,
  isSpread,
  netPriceWords,
  type TradeLeg,
} from './package';

export interface OfferedTrade {
  side: 'BUY' | 'SELL';
  /** More than one of a package, whose prices are net and negative for a credit. */
  legs: readonly TradeLeg[];
  quantity: number;
  limit_price: Decimal;
  floor_price: Decimal;
  contract: {
    symbol: string;
    expiry: string;
    strike: Decimal;
    right: 'P' | 'C';
    multiplier: Decimal;
  };
  currency: string;
  /** Null where assignment needs no cash. */
  assignment_cash: Decimal | null;
}

/** What the person asks for instead of the whole offer; null where they take the offer as it is. */
export interface Narrowing {
  quantity: number | null;
  limit_price: Decimal | null;
}

export interface Consequence {
  trade: string;
  money: string;
  assignment: string | null;
}

/**
 * The consequence of approving `trade`, narrowed. A limit chosen by the person is also the worst
 * price they accept, so it replaces the floor.
 */
export function consequenceOf(trade: OfferedTrade, narrowing: Narrowing): Consequence {
  const quantity = narrowing.quantity ?? trade.quantity;
  const limit = narrowing.limit_price ?? trade.limit_price;
  const worst = narrowing.limit_price ?? trade.floor_price;
  if (isPackage(trade.legs)) return consequenceOfPackage(trade, quantity, limit, worst);
  const sells = trade.side === 'SELL';
  const contracts = `${quantity} ${describeContract(trade.contract, quantity)}`;
  const bound = `never ${sells ? 'below' : 'above'} ${formatPrice(worst)}`;
  const total = formatAmount(product(worst, trade.contract.multiplier, quantity));
  const cash = product(trade.contract.strike, trade.contract.multiplier, quantity);
  return {
    trade: `${sells ? 'Sell' : 'Buy'} ${contracts} at ${formatPrice(limit)} or better, ${bound}.`,
    money: `${sells ? 'Receives at least' : 'Costs at most'} ${total} ${trade.currency} before commissions.`,
    assignment:
      trade.assignment_cash === null
        ? null
        : `Cash needed if assigned: ${formatAmount(cash)} ${trade.currency}.`,
  };
}

function consequenceOfPackage(
  trade: OfferedTrade,
  quantity: number,
  limit: Decimal,
  worst: Decimal,
): Consequence {
  const cost = product(worst, trade.contract.multiplier, quantity);
  const receives = compareDecimals(cost, '0') <= 0;
  const total = formatAmount(receives ? negated(cost) : cost);
  const cash =
    trade.assignment_cash === null
      ? null
      : formatAmount(shareOf(trade.assignment_cash, quantity, trade.quantity));
  return {
    trade:
      `${describeTrade(trade.legs, quantity)}, together for ${netPriceWords(limit)} or better, ` +
      `never worse than ${netPriceWords(worst)}.`,
    money: `${receives ? 'Receives at least' : 'Costs at most'} ${total} ${trade.currency} before commissions.`,
    assignment: cash === null ? null : cashWords(trade, cash),
  };
}

function cashWords({ legs, currency }: OfferedTrade, cash: string): string {
  return isSpread(legs)
    ? `At most ${cash} ${currency} to pay at expiry.`
    : `Further cash needed if assigned: ${cash} ${currency}.`;
}

/**
 * How a person types the limit: a package's as a credit or a debit, whichever was offered, without
 * a sign. `toPrice` gives the price that a typed text stands for.
 */
export interface LimitEntry {
  label: string;
  /** Whether more is better. */
  isCredit: boolean;
  offered: Decimal;
  toPrice: (text: string) => Decimal;
}

export function limitEntry(trade: OfferedTrade): LimitEntry {
  const same = (text: string) => text;
  const offered = typedPrice(trade.limit_price);
  if (!isPackage(trade.legs)) {
    return { label: 'Limit per share', isCredit: trade.side === 'SELL', offered, toPrice: same };
  }
  if (compareDecimals(trade.limit_price, '0') > 0) {
    return { label: 'Net debit per share', isCredit: false, offered, toPrice: same };
  }
  const credit = typedPrice(negated(trade.limit_price));
  return { label: 'Net credit per share', isCredit: true, offered: credit, toPrice: negated };
}

/** What our estimate says of margin usage: fractions of equity, null where it cannot be told. */
export interface UsageEstimate {
  before: number | null;
  after: number | null;
}

/**
 * `PM usage 31.2% → 36.0%, by our estimate.`, or null where it is not known. The estimate is of the
 * whole offer; of fewer contracts the change is their share of it.
 */
export function usageWords(
  { before, after }: UsageEstimate,
  offered: number,
  wanted: number,
): string | null {
  if (before === null || after === null) return null;
  const share = before + ((after - before) * wanted) / offered;
  return `PM usage ${formatPercentOne(before)} → ${formatPercentOne(share)}, by our estimate.`;
}

export function sentence(consequence: Consequence): string {
  return [consequence.trade, consequence.money, consequence.assignment]
    .filter((part) => part !== null)
    .join(' ');
}

export interface PriceBand {
  low_edge: Decimal;
  increment: Decimal;
}

/** The price step that applies at `price`; null when no band is known. */
function incrementAt(bands: readonly PriceBand[], price: Decimal): Decimal | null {
  let step: Decimal | null = null;
  for (const band of bands) {
    if (compareDecimals(price, band.low_edge) >= 0) step = band.increment;
  }
  return step;
}

/** Why `text`, typed as `limitEntry` says, is no limit this offer allows; null when it is one. */
export function limitProblem(
  trade: OfferedTrade,
  bands: readonly PriceBand[],
  text: string,
): string | null {
  if (!isPositiveDecimal(text)) return 'Enter a price such as 4.15.';
  const { isCredit, offered } = limitEntry(trade);
  const difference = compareDecimals(text, offered);
  if (isCredit ? difference < 0 : difference > 0) {
    return `Worse than offered: enter ${formatPrice(offered)} or ${isCredit ? 'more' : 'less'}.`;
  }
  const step = incrementAt(bands, text);
  if (step !== null && !isMultipleOf(text, step)) {
    return `Not a price the exchange accepts: use steps of ${formatPrice(step)}.`;
  }
  return null;
}

/** Why `text` is not a number of contracts this offer allows; null when it is. */
export function quantityProblem(trade: OfferedTrade, text: string): string | null {
  const quantity = Number(text);
  const allowed = /^\d+$/.test(text) && quantity >= 1 && quantity <= trade.quantity;
  return allowed ? null : `Enter a whole number from 1 to ${trade.quantity}.`;
}
