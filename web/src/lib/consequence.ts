/** What pressing the button does, in one or two sentences a person can check against their intent. */
import {
  compareDecimals,
  type Decimal,
  formatAmount,
  formatPrice,
  formatQuantity,
  isMultipleOf,
  isPositiveDecimal,
  product,
} from './decimal';
import { formatDate } from './time';

export interface OfferedTrade {
  side: 'BUY' | 'SELL';
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

export function describeContract(contract: OfferedTrade['contract'], quantity = 1): string {
  const right = contract.right === 'P' ? 'put' : 'call';
  const plural = quantity === 1 ? '' : 's';
  const strike = formatQuantity(contract.strike);
  return `${contract.symbol} ${formatDate(contract.expiry)} ${strike} ${right}${plural}`;
}

/**
 * The consequence of approving `trade`, narrowed. A limit chosen by the person is also the worst
 * price they accept, so it replaces the floor.
 */
export function consequenceOf(trade: OfferedTrade, narrowing: Narrowing): Consequence {
  const quantity = narrowing.quantity ?? trade.quantity;
  const limit = narrowing.limit_price ?? trade.limit_price;
  const worst = narrowing.limit_price ?? trade.floor_price;
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
export function incrementAt(bands: readonly PriceBand[], price: Decimal): Decimal | null {
  let step: Decimal | null = null;
  for (const band of bands) {
    if (compareDecimals(price, band.low_edge) >= 0) step = band.increment;
  }
  return step;
}

/** Why `text` is not a limit this offer allows; null when it is. The API checks it again. */
export function limitProblem(
  trade: OfferedTrade,
  bands: readonly PriceBand[],
  text: string,
): string | null {
  if (!isPositiveDecimal(text)) return 'Enter a price such as 4.15.';
  const sells = trade.side === 'SELL';
  const difference = compareDecimals(text, trade.limit_price);
  if (sells ? difference < 0 : difference > 0) {
    const bound = formatPrice(trade.limit_price);
    return `Worse than offered: enter ${bound} or ${sells ? 'more' : 'less'}.`;
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
