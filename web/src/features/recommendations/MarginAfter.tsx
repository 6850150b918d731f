import { Stack, Text } from '@mantine/core';
import type { RecommendationDetail, TradeOutlook } from '@/client/schema';
import { Facts } from '@/components/Facts';
import { formatPercentOne, formatSignedCount } from '@/lib/numbers';
import { Ahead } from './Ahead';
import { WhatIf } from './WhatIf';

/** What the trade takes of the account: margin by our estimate and by the broker, concentration. */
export function MarginAfter({ detail }: { detail: RecommendationDetail }) {
  return (
    <Ahead id={detail.id} title="Margin and concentration" height={160}>
      {({ outlook, why_no_outlook }) => (
        <Stack gap="md">
          {outlook === null ? (
            <Text size="sm">{why_no_outlook}</Text>
          ) : (
            detail.state === 'PROPOSED' && <Estimate outlook={outlook} detail={detail} />
          )}
          <WhatIf whatIf={detail.what_if} isOffered={detail.state === 'PROPOSED'} />
        </Stack>
      )}
    </Ahead>
  );
}

/** Before and after; told while it is offered, for later the account may hold it already. */
function Estimate({ outlook, detail }: { outlook: TradeOutlook; detail: RecommendationDetail }) {
  const { margin } = outlook;
  const currency = detail.terms.legs[0]?.contract.currency ?? '';
  return (
    <Facts
      facts={[
        {
          label: 'PM usage, est.',
          value: change(outlook.pm_usage_before, outlook.pm_usage_after),
        },
        {
          label: `Maintenance margin, est., ${currency}`,
          value: formatSignedCount(margin.portfolio_maintenance.change),
        },
        {
          label: `Under Reg T, est., ${currency}`,
          value: formatSignedCount(margin.reg_t_maintenance.change),
        },
        {
          label: `In ${detail.symbol}, of equity`,
          value: change(outlook.concentration_before, outlook.concentration_after),
        },
      ]}
    />
  );
}

/** `31.2% → 36.0%`. */
function change(before: string | null, after: string | null): string {
  return `${fraction(before)} → ${fraction(after)}`;
}

function fraction(value: string | null): string {
  return formatPercentOne(value === null ? null : Number(value));
}
