import { Stack, Text } from '@mantine/core';
import type { RecommendationDetail } from '@/client/schema';
import styles from '@/components/PlainTable.module.css';
import { formatMoney, formatPrice, formatSignedMoney, isDecimal } from '@/lib/decimal';
import { whatIfRows } from './whatIfRows';

/** The broker's own margin preview: before, after and the difference. */
export function WhatIf({ whatIf }: { whatIf: RecommendationDetail['what_if'] }) {
  const rows = whatIf === null ? [] : whatIfRows(whatIf);
  if (whatIf === null || rows.length === 0) {
    return (
      <Text size="sm">
        No margin preview yet. After an approval the broker is asked for one, and without it nothing
        is sent.
      </Text>
    );
  }
  const currency = typeof whatIf.currency === 'string' ? whatIf.currency : '';
  return (
    <Stack gap="xs">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls needs the keyboard */}
      <section className={styles.scroll} tabIndex={0} aria-label="Margin before and after">
        <table className={styles.table}>
          <thead>
            <tr>
              <th scope="col">{currency}</th>
              <th scope="col" data-numeric>
                Before
              </th>
              <th scope="col" data-numeric>
                After
              </th>
              <th scope="col" data-numeric>
                Change
              </th>
            </tr>
          </thead>
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
        </table>
      </section>
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
