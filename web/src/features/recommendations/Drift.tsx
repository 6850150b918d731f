import { Text } from '@mantine/core';
import type { Drift as DriftFacts, RecommendationDetail } from '@/client/schema';
import { Facts } from '@/components/Facts';
import { Moment } from '@/components/Moment';
import { formatPrice } from '@/lib/decimal';
import { formatPercent, formatSignedPercent, NOT_KNOWN } from '@/lib/numbers';
import { marketWords } from '@/lib/package';
import { staleWords } from './drift';

interface DriftProps {
  detail: RecommendationDetail;
  drift: DriftFacts;
}

/** How far the market has moved since the proposal, and whether an approval would still stand. */
export function Drift({ detail, drift }: DriftProps) {
  if (!drift.is_live) {
    return (
      <Text size="sm">
        The desk has no later quote than the proposal’s. It asks the broker afresh at the approval.
      </Text>
    );
  }
  const words = (bid: string | null, ask: string | null) =>
    bid === null || ask === null ? NOT_KNOWN : marketWords(detail.legs, bid, ask);
  const moved = drift.underlying_moved;
  const stale = staleWords(detail, drift);
  return (
    <>
      {stale !== null && (
        <Text fw={650} className="loss" mb="xs">
          {stale}
        </Text>
      )}
      <Facts
        facts={[
          { label: 'Bid × ask then', value: words(drift.bid_then, drift.ask_then) },
          { label: 'Bid × ask now', value: words(drift.bid, drift.ask) },
          { label: `${detail.symbol} then`, value: formatPrice(drift.underlying_then) },
          {
            label: `${detail.symbol} now`,
            value:
              drift.underlying === null
                ? NOT_KNOWN
                : `${formatPrice(drift.underlying)} (${formatSignedPercent(moved)})`,
          },
          {
            label: `${detail.symbol} may move by`,
            value: `± ${formatPercent(Number(drift.max_drift))}`,
          },
          { label: 'Quoted', value: <Moment at={drift.as_of} clock="market" /> },
        ]}
      />
    </>
  );
}
