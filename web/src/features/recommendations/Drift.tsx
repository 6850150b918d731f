import { Text } from '@mantine/core';
import type { Drift as DriftFacts, RecommendationDetail } from '@/client/schema';
import { Facts } from '@/components/Facts';
import { Moment } from '@/components/Moment';
import { formatPrice } from '@/lib/decimal';
import { formatPercent, NOT_KNOWN } from '@/lib/numbers';
import { priceWords } from '@/lib/package';

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
  const words = (price: string | null) =>
    price === null ? NOT_KNOWN : priceWords(detail.legs, price);
  const moved = drift.underlying_moved;
  return (
    <>
      {drift.is_beyond && (
        <Text fw={650} className="loss" mb="xs" role="alert">
          {detail.symbol} has moved further than the {formatPercent(Number(drift.max_drift))} these
          terms allow. An approval would be denied; a fresh offer follows from the next run.
        </Text>
      )}
      <Facts
        facts={[
          { label: 'Bid × ask then', value: `${words(drift.bid_then)} × ${words(drift.ask_then)}` },
          { label: 'Bid × ask now', value: `${words(drift.bid)} × ${words(drift.ask)}` },
          { label: `${detail.symbol} then`, value: formatPrice(drift.underlying_then) },
          {
            label: `${detail.symbol} now`,
            value:
              drift.underlying === null
                ? NOT_KNOWN
                : `${formatPrice(drift.underlying)} (${moved !== null && moved > 0 ? '+' : ''}${formatPercent(moved)})`,
          },
          { label: 'Quoted', value: <Moment at={drift.as_of} clock="market" /> },
        ]}
      />
    </>
  );
}
