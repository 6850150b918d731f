import type { RecommendationDetail, TradeOutlook } from '@/client/schema';
import {
  compareDecimals,
  difference,
  formatAmount,
  formatPrice,
  formatQuantity,
  formatStrike,
  product,
} from '@/lib/decimal';
import { isPackage, isSpread } from '@/lib/package';

type Offered = Pick<
  RecommendationDetail,
  'action' | 'side' | 'legs' | 'contract' | 'quantity' | 'limit_price' | 'symbol' | 'terms'
>;

/** What happens at assignment, in sentences; none for a trade that sells nothing. */
export function assignmentWords(offer: Offered, outlook: TradeOutlook): string[] {
  const { contract, quantity, symbol } = offer;
  if (offer.action === 'OPEN' && isSpread(offer.legs)) return spreadWords(offer);
  const sells = isPackage(offer.legs) ? offer.action === 'ROLL' : offer.side === 'SELL';
  if (offer.action === 'CLOSE' || !sells) return [];
  const currency = offer.terms.legs[0]?.contract.currency ?? '';
  const shares = formatQuantity(product(contract.multiplier, quantity));
  const notional = formatAmount(product(contract.strike, contract.multiplier, quantity));
  const strike = formatPrice(contract.strike);
  const delivers = compareDecimals(outlook.short_put_cash_after, outlook.short_put_cash_before) > 0;
  if (contract.right === 'C') {
    return [`${shares} ${symbol} are called away at ${strike}: ${notional} ${currency} come in.`];
  }
  if (!delivers && offer.action === 'OPEN') {
    return ['It settles in cash: what the index is below the strike is paid, no shares come in.'];
  }
  const sentences = [`${shares} ${symbol} come in at ${strike} and cost ${notional} ${currency}.`];
  if (!isPackage(offer.legs)) {
    const cost = difference(contract.strike, offer.limit_price);
    sentences.push(`After the premium they have cost ${formatPrice(cost)} each.`);
  }
  const all = formatAmount(outlook.short_put_cash_after);
  const cash = formatAmount(outlook.cash);
  const isCovered = compareDecimals(outlook.cash, outlook.short_put_cash_after) >= 0;
  sentences.push(
    isCovered
      ? `If every short put were assigned, ${all} ${currency} would be needed; the account holds ${cash}.`
      : `If every short put were assigned, ${all} ${currency} would be needed and the account holds only ${cash}: the rest would be borrowed.`,
  );
  return sentences;
}

/** Of a put spread on an index: what is paid, and what bounds it. */
function spreadWords({ legs, quantity, contract, terms }: Offered): string[] {
  const sold = legs.find((leg) => leg.side === 'SELL')?.contract.strike;
  const bought = legs.find((leg) => leg.side === 'BUY')?.contract.strike;
  if (sold === undefined || bought === undefined || contract.right === 'C') return [];
  const width = formatAmount(product(difference(sold, bought), contract.multiplier, quantity));
  const currency = terms.legs[0]?.contract.currency ?? '';
  return [
    `It settles in cash. Below ${formatStrike(sold)} the difference is paid; from ${formatStrike(bought)} down the put bought pays it back, so it is at most ${width} ${currency}.`,
  ];
}
