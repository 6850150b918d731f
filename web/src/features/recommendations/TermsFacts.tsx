import type { RecommendationDetail } from '@/client/schema';
import { type Fact, Facts } from '@/components/Facts';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import { formatAmount, formatPrice } from '@/lib/decimal';
import {
  formatCount,
  formatDelta,
  formatLevel,
  formatPercent,
  formatPercentOne,
  formatRoughPercent,
  NOT_KNOWN,
} from '@/lib/numbers';
import { formatDate } from '@/lib/time';

/** The economics on offer and the contract in numbers. */
export function TermsFacts({ detail }: { detail: RecommendationDetail }) {
  return <Facts facts={[...tradeFacts(detail), ...marketFacts(detail), ...metricFacts(detail)]} />;
}

function tradeFacts(detail: RecommendationDetail): Fact[] {
  const worst = detail.side === 'SELL' ? 'Never below' : 'Never above';
  return [
    { label: 'Contracts', value: <Quantity value={detail.quantity} /> },
    { label: 'Limit per share', value: <Price value={detail.limit_price} /> },
    { label: worst, value: <Price value={detail.floor_price} /> },
    {
      label: `Credit at the limit, ${detail.terms.legs[0]?.contract.currency ?? ''}`,
      value: <SignedMoney value={detail.credit} />,
    },
    {
      label: 'Cash needed if assigned',
      value: detail.assignment_cash === null ? NOT_KNOWN : formatAmount(detail.assignment_cash),
    },
    { label: 'Expiry', value: formatDate(detail.contract.expiry) },
    { label: 'Multiplier', value: <Quantity value={detail.contract.multiplier} /> },
    { label: 'Trading class', value: detail.contract.trading_class },
    { label: 'Decide until', value: <Moment at={detail.deadline} /> },
  ];
}

function marketFacts({ terms, symbol }: RecommendationDetail): Fact[] {
  return [
    {
      label: 'Bid × ask when proposed',
      value: `${formatPrice(terms.reference_bid)} × ${formatPrice(terms.reference_ask)}`,
    },
    { label: `${symbol} when proposed`, value: <Price value={terms.reference_underlying_price} /> },
    {
      label: `${symbol} may have moved`,
      value: `± ${formatPercent(Number(terms.max_drift))}`,
    },
    { label: 'Quoted', value: <Moment at={terms.quoted_at} /> },
  ];
}

function metricFacts({ metrics, confidence }: RecommendationDetail): Fact[] {
  return [
    { label: 'Return on risk', value: formatPercent(metrics.ror) },
    { label: 'Annualised', value: formatPercentOne(metrics.ror_annualised) },
    { label: 'Delta', value: formatDelta(metrics.delta) },
    { label: 'Days to expiry', value: formatCount(metrics.dte) },
    { label: 'Implied volatility', value: formatPercentOne(metrics.iv) },
    { label: 'Probability of profit, est.', value: formatRoughPercent(metrics.pop) },
    { label: 'Breakeven', value: formatLevel(metrics.breakeven) },
    { label: 'Max loss per contract', value: formatCount(metrics.max_loss) },
    { label: 'Spread of mid', value: formatPercentOne(metrics.spread_fraction) },
    { label: 'Open interest', value: formatCount(metrics.open_interest) },
    { label: 'Volume', value: formatCount(metrics.volume) },
    { label: 'Confidence', value: formatRoughPercent(confidence) },
  ];
}
