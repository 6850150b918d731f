import type { RecommendationDetail, TradeOutlook } from '@/client/schema';
import {
  compareDecimals,
  difference,
  formatAmount,
  formatPrice,
  formatQuantity,
  product,
} from '@/lib/decimal';
import { isPackage } from '@/lib/package';

type Offered = Pick<
  RecommendationDetail,
  'action' | 'side' | 'legs' | 'contract' | 'quantity' | 'limit_price' | 'symbol' | 'terms'
>;

/** What happens at assignment, in sentences; none for a trade that sells nothing. */
export function assignmentWords(offer: Offered, outlook: TradeOutlook): string[] {
  const { contract, quantity, symbol } = offer;
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
      ? `Were every short put assigned, ${all} ${currency} were needed; the account holds ${cash}.`
      : `Were every short put assigned, ${all} ${currency} were needed and the account holds only ${cash}: the rest would be borrowed.`,
  );
  return sentences;
}
