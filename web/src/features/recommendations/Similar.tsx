import { Anchor, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { SimilarRow } from '@/client/schema';
import { Moment } from '@/components/Moment';
import { PlainTable } from '@/components/PlainTable';
import { StateTag } from '@/components/Tag';
import { formatPrice } from '@/lib/decimal';
import { NOT_KNOWN } from '@/lib/numbers';
import { RECOMMENDATION_STATES } from '@/lib/states';

/** What became of earlier ones of this strategy on this underlying. */
export function Similar({ rows }: { rows: readonly SimilarRow[] }) {
  if (rows.length === 0) {
    return <Text size="sm">This strategy has recommended nothing like it on this underlying.</Text>;
  }
  return (
    <PlainTable
      label="What became of each"
      head={['Proposed', 'Trade', 'Outcome', { figure: 'Filled at' }]}
    >
      <tbody>
        {rows.map((row) => (
          <tr key={row.id}>
            <td>
              <Moment at={row.proposed_at} clock="market" />
            </td>
            <td style={{ minWidth: '11rem' }}>
              <Anchor
                component={Link}
                to="/recommendations/$id"
                params={{ id: row.id } as never}
                size="sm"
              >
                {row.summary}
              </Anchor>
            </td>
            <td>
              <StateTag state={row.state} words={RECOMMENDATION_STATES} />
              {row.reason !== '' && (
                <Text size="xs" c="dimmed">
                  {row.reason}
                </Text>
              )}
            </td>
            <td data-numeric>
              {row.average_price === null ? NOT_KNOWN : formatPrice(row.average_price)}
            </td>
          </tr>
        ))}
      </tbody>
    </PlainTable>
  );
}
