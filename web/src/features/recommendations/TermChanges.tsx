import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useExchangeTimeZone } from '@/client/hooks';
import { recommendationQuery } from '@/client/queries';
import type { RecommendationDetail } from '@/client/schema';
import { PlainTable } from '@/components/PlainTable';
import { Section } from '@/components/Section';
import { termChanges } from './termChanges';

/** Where an offer replaces another: what changed from the one to the other. */
export function TermChanges({ detail }: { detail: RecommendationDetail }) {
  const later = detail.successor_id ?? detail.superseded_by_id;
  const other = later ?? detail.predecessor_id;
  if (other === null) return null;
  return <Changes detail={detail} other={other} isOver={later !== null} />;
}

interface ChangesProps {
  detail: RecommendationDetail;
  other: string;
  /** The other one came later: this one is no longer offered. */
  isOver: boolean;
}

function Changes({ detail, other, isOver }: ChangesProps) {
  const timeZone = useExchangeTimeZone();
  const { data } = useQuery(recommendationQuery(other));
  // It may belong to an account that this person does not see; the link in the notice says so.
  if (data === undefined) return null;
  const [before, after] = isOver ? [detail, data] : [data, detail];
  const changes = termChanges(before, after, timeZone);
  return (
    <Section
      title={isOver ? 'What the later offer changes' : 'What changed since the offer before'}
      aside={
        <Anchor
          component={Link}
          to="/recommendations/$id"
          params={{ id: other } as never}
          size="sm"
        >
          {isOver ? 'See the later offer' : 'See the offer before'}
        </Anchor>
      }
    >
      {changes.length === 0 ? (
        <Text size="sm">
          The terms are the same; they were taken from a fresh look at the market.
        </Text>
      ) : (
        <PlainTable
          label="Terms that changed"
          head={[
            'Term',
            isOver ? 'This offer' : 'The offer before',
            isOver ? 'The later offer' : 'This offer',
          ]}
        >
          <tbody>
            {changes.map((change) => (
              <tr key={change.label}>
                <td>{change.label}</td>
                <td>{change.before}</td>
                <td>
                  <strong>{change.after}</strong>
                </td>
              </tr>
            ))}
          </tbody>
        </PlainTable>
      )}
    </Section>
  );
}
