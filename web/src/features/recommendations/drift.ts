/** What the market has done since a proposal, in words. */
import type { Drift, RecommendationDetail } from '@/client/schema';
import { compareDecimals } from '@/lib/decimal';
import { formatPercent, formatSignedPercent } from '@/lib/numbers';
import { isPackage, marketWords, priceWords } from '@/lib/package';

type Offered = Pick<RecommendationDetail, 'symbol' | 'legs' | 'side' | 'floor_price'>;

/** Why an approval at this moment would be denied; null where it would stand, as far as we know. */
export function staleWords(offer: Offered, drift: Drift): string | null {
  const { symbol, legs, floor_price: worst } = offer;
  if (!drift.is_live) return null;
  if (drift.is_beyond) {
    const moved = formatSignedPercent(drift.underlying_moved);
    const allowed = formatPercent(Number(drift.max_drift));
    return `${symbol} has moved ${moved} since the proposal, more than the ${allowed} these terms allow. An approval would be denied; a fresh offer follows from the next run.`;
  }
  const isSale = !isPackage(legs) && offer.side === 'SELL';
  const reachable = isSale ? drift.ask : drift.bid;
  const best = reachable === null ? 0 : compareDecimals(reachable, worst);
  if (isSale ? best < 0 : best > 0) {
    return `The market has left this offer: ${marketWords(legs, drift.bid ?? '0', drift.ask ?? '0')}, and the worst price it accepts is ${priceWords(legs, worst)}. An order would wait in vain.`;
  }
  return null;
}

/** `Now 4.05 × 4.20, SPY +0.30%.`; null while nothing newer than the proposal is known. */
export function nowWords(offer: Offered, drift: Drift): string | null {
  if (!drift.is_live || drift.bid === null || drift.ask === null) return null;
  const market = marketWords(offer.legs, drift.bid, drift.ask);
  return `Now ${market}, ${offer.symbol} ${formatSignedPercent(drift.underlying_moved)} since the proposal.`;
}
