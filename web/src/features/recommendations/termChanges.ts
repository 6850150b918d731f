/** In what two offers differ: what a person has to look at again. */
import type { RecommendationDetail } from '@/client/schema';
import { formatPrice } from '@/lib/decimal';
import { describeTrade, marketWords, priceWords } from '@/lib/package';
import { formatMomentInFull } from '@/lib/time';

export interface TermChange {
  label: string;
  before: string;
  after: string;
}

/** What `after` offers otherwise than `before`, in the order people ask. */
export function termChanges(
  before: RecommendationDetail,
  after: RecommendationDetail,
  timeZone: string,
): TermChange[] {
  const of = (label: string, words: (offer: RecommendationDetail) => string): TermChange => ({
    label,
    before: words(before),
    after: words(after),
  });
  const price = (offer: RecommendationDetail, value: string) => priceWords(offer.legs, value);
  return [
    of('Trade', (offer) => describeTrade(offer.legs, offer.quantity)),
    of('Limit per share', (offer) => price(offer, offer.limit_price)),
    of('Never worse than', (offer) => price(offer, offer.floor_price)),
    of('Bid × ask', ({ terms, legs }) =>
      marketWords(legs, terms.reference_bid, terms.reference_ask),
    ),
    of(after.symbol, ({ terms }) => formatPrice(terms.reference_underlying_price)),
    of('Decide until', ({ deadline }) => formatMomentInFull(new Date(deadline), timeZone)),
  ].filter((change) => change.before !== change.after);
}
