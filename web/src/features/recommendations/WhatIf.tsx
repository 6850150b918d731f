import { Stack, Text, Title } from '@mantine/core';
import type { RecommendationDetail } from '@/client/schema';
import { PlainTable } from '@/components/PlainTable';
import { formatMoney, formatPrice, formatSignedMoney, isDecimal } from '@/lib/decimal';
import { whatIfRows } from './whatIfRows';

interface WhatIfProps {
  whatIf: RecommendationDetail['what_if'];
  /** Whether nobody has decided yet, so that our estimates stand above. */
  isOffered: boolean;
}

const OUR_ESTIMATES =
  'The figures above are our estimates at the latest quotes. The broker’s own margin preview is asked for after an approval; it governs, and without it nothing is sent.';
const NEVER_ASKED = 'No margin preview by the broker is on record.';

/** The broker's own margin preview: before, after and the difference. */
export function WhatIf({ whatIf, isOffered }: WhatIfProps) {
  const rows = whatIf === null ? [] : whatIfRows(whatIf);
  if (whatIf === null || rows.length === 0) {
    return <Text size="sm">{isOffered ? OUR_ESTIMATES : NEVER_ASKED}</Text>;
  }
  const currency = typeof whatIf.currency === 'string' ? whatIf.currency : '';
  return (
    <Stack gap="xs">
      <Title order={3} size="sm">
        As the broker sees it
      </Title>
      <PlainTable
        label="Margin before and after"
        head={[currency, { figure: 'Before' }, { figure: 'After' }, { figure: 'Change' }]}
      >
        <tbody>
          {rows.map((row) => (
            <tr key={row.label}>
              <td>{row.label}</td>
              <td data-numeric>{formatMoney(row.before)}</td>
              <td data-numeric>{formatMoney(row.after)}</td>
              <td data-numeric>{formatSignedMoney(row.change)}</td>
            </tr>
          ))}
        </tbody>
      </PlainTable>
      {isDecimal(whatIf.commission) && (
        <Text size="sm" c="dimmed">
          Commission, estimated by the broker: {formatPrice(whatIf.commission)} {currency}
        </Text>
      )}
      {typeof whatIf.warning === 'string' && whatIf.warning !== '' && (
        <Text size="sm" fw={600}>
          The broker warns: {whatIf.warning}
        </Text>
      )}
    </Stack>
  );
}
