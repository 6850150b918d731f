import { Stack, Title } from '@mantine/core';
import type { RecommendationDetail } from '@/client/schema';
import { type Fact, Facts } from '@/components/Facts';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import { compareDecimals, formatAmount } from '@/lib/decimal';
import {
  formatCount,
  formatDelta,
  formatLevel,
  formatPercent,
  formatPercentOne,
  formatRoughPercent,
} from '@/lib/numbers';
import { describeLeg, isPackage, isSpread, marketWords, priceWords } from '@/lib/package';
import { formatDate } from '@/lib/time';

/** The economics on offer, the market they were taken from, and what they come to. */
export function TermsFacts({ detail }: { detail: RecommendationDetail }) {
  return (
    <Stack gap="md">
      <Facts facts={tradeFacts(detail)} />
      <Group title="When proposed" facts={marketFacts(detail)} />
      <Group title={COMES_TO[detail.action]} facts={metricFacts(detail)} />
    </Stack>
  );
}

/** The figures of what is bought in say what holding it on would earn and risk. */
const COMES_TO = {
  OPEN: 'What it comes to',
  ROLL: 'What the new option comes to',
  CLOSE: 'What holding it on would come to',
} as const;

function Group({ title, facts }: { title: string; facts: readonly Fact[] }) {
  return (
    <div>
      <Title order={3} size="sm" mb={6}>
        {title}
      </Title>
      <Facts facts={facts} />
    </div>
  );
}

function tradeFacts(detail: RecommendationDetail): Fact[] {
  return [
    ...(isPackage(detail.legs) ? packageFacts(detail) : singleFacts(detail)),
    {
      label: `${compareDecimals(detail.credit, '0') < 0 ? 'Cost' : 'Credit'} at the limit, ${detail.terms.legs[0]?.contract.currency ?? ''}`,
      value: <SignedMoney value={detail.credit} />,
    },
    ...(detail.assignment_cash === null
      ? []
      : [{ label: cashLabel(detail), value: formatAmount(detail.assignment_cash) }]),
    { label: 'Expiry', value: formatDate(detail.contract.expiry) },
    { label: 'Multiplier', value: <Quantity value={detail.contract.multiplier} /> },
    ...tradingClass(detail.contract),
    { label: 'Decide until', value: <Moment at={detail.deadline} clock="market" /> },
  ];
}

function cashLabel({ legs }: RecommendationDetail): string {
  if (!isPackage(legs)) return 'Cash needed if assigned';
  return isSpread(legs) ? 'At most to pay at expiry' : 'Further cash if assigned';
}

function singleFacts(detail: RecommendationDetail): Fact[] {
  const worst = detail.side === 'SELL' ? 'Never below' : 'Never above';
  return [
    { label: 'Contracts', value: <Quantity value={detail.quantity} /> },
    { label: 'Limit per share', value: <Price value={detail.limit_price} /> },
    { label: worst, value: <Price value={detail.floor_price} /> },
  ];
}

/** What is bought and sold, leg by leg, and the one price for all of it. */
function packageFacts({ legs, quantity, limit_price, floor_price }: RecommendationDetail): Fact[] {
  return [
    ...legs.map((leg, index) => ({
      label: `Leg ${index + 1}`,
      isWide: true,
      value: describeLeg(leg, quantity),
    })),
    { label: 'Packages', value: <Quantity value={quantity} /> },
    { label: 'Net limit per share', value: priceWords(legs, limit_price) },
    { label: 'Never worse than', value: priceWords(legs, floor_price) },
  ];
}

/** Only where it tells more than the symbol: weekly index options, adjusted contracts. */
function tradingClass({ symbol, trading_class }: RecommendationDetail['contract']): Fact[] {
  return trading_class === symbol ? [] : [{ label: 'Trading class', value: trading_class }];
}

function marketFacts({ terms, symbol, legs, metrics }: RecommendationDetail): Fact[] {
  return [
    {
      label: 'Bid × ask',
      value: marketWords(legs, terms.reference_bid, terms.reference_ask),
    },
    { label: symbol, value: <Price value={terms.reference_underlying_price} /> },
    {
      label: `${symbol} may move by`,
      value: `± ${formatPercent(Number(terms.max_drift))}`,
    },
    { label: 'Spread of mid', value: formatPercentOne(metrics.spread_fraction) },
    { label: 'Open interest', value: formatCount(metrics.open_interest) },
    { label: 'Volume', value: formatCount(metrics.volume) },
    { label: 'Implied volatility', value: formatPercentOne(metrics.iv) },
    { label: 'Quoted', value: <Moment at={terms.quoted_at} clock="market" /> },
  ];
}

function metricFacts({ metrics, confidence }: RecommendationDetail): Fact[] {
  return [
    { label: 'Return on risk', value: formatPercent(metrics.ror) },
    { label: 'Annualised', value: formatPercentOne(metrics.ror_annualised) },
    { label: 'Delta', value: formatDelta(metrics.delta) },
    { label: 'Days to expiry', value: formatCount(metrics.dte) },
    { label: 'Probability of profit, est.', value: formatRoughPercent(metrics.pop) },
    { label: 'Breakeven', value: formatLevel(metrics.breakeven) },
    { label: 'Max loss per contract', value: formatCount(metrics.max_loss) },
    { label: 'Confidence', value: formatRoughPercent(confidence) },
  ];
}
