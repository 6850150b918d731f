import { Stack, Text, Title } from '@mantine/core';
import type { OutlookAnswer, RecommendationDetail, TradeOutlook } from '@/client/schema';
import { PlainTable } from '@/components/PlainTable';
import { formatRoughPercent, formatSignedCount } from '@/lib/numbers';
import { assignmentWords } from './assignment';
import { PayOffChart } from './PayOffChart';

interface RisksProps {
  detail: RecommendationDetail;
  answer: OutlookAnswer;
}

/** What can go wrong: the trade by itself, the account in a shock, and an assignment. */
export function Risks({ detail, answer: { outlook, why_no_outlook } }: RisksProps) {
  if (outlook === null) return <Text size="sm">{why_no_outlook}</Text>;
  const words = assignmentWords(detail, outlook);
  return (
    <Stack gap="lg">
      {outlook.pay_off !== null && <PayOffChart payOff={outlook.pay_off} symbol={detail.symbol} />}
      {words.length > 0 && (
        <div>
          <Title order={3} size="sm" mb={4}>
            If it is assigned
          </Title>
          {words.map((sentence) => (
            <Text key={sentence} size="sm">
              {sentence}
            </Text>
          ))}
        </div>
      )}
      <div>
        <Title order={3} size="sm" mb={4}>
          If the market moves at once, the whole account
        </Title>
        <StressTable outlook={outlook} />
        <LeftOut outlook={outlook} />
      </div>
    </Stack>
  );
}

function LeftOut({ outlook: { left_out } }: { outlook: TradeOutlook }) {
  if (left_out.length === 0) return null;
  const isOne = left_out.length === 1;
  return (
    <Text size="sm" fw={600} mt="xs">
      {left_out.length} {isOne ? 'position' : 'positions'} cannot be valued and{' '}
      {isOne ? 'is' : 'are'} in none of these figures.
    </Text>
  );
}

function StressTable({ outlook }: { outlook: TradeOutlook }) {
  return (
    <PlainTable label="Stress before and after">
      <thead>
        <tr>
          <th scope="col">If everything moved at once by</th>
          {outlook.stress.map((row) => (
            <th key={row.spot_move} scope="col" data-numeric>
              {row.spot_move > 0 ? '+' : ''}
              {formatRoughPercent(row.spot_move)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {(['before', 'after'] as const).map((when) => (
          <tr key={when}>
            <td>{when === 'before' ? 'Account now' : 'With this trade'}</td>
            {outlook.stress.map((row) => (
              <Amount key={row.spot_move} value={row[when]} />
            ))}
          </tr>
        ))}
        <tr>
          <td>Difference</td>
          {outlook.stress.map((row) => (
            <Amount key={row.spot_move} value={row.after - row.before} />
          ))}
        </tr>
      </tbody>
    </PlainTable>
  );
}

function Amount({ value }: { value: number }) {
  const rounded = Math.round(value);
  const tone = rounded === 0 ? '' : rounded < 0 ? 'loss' : 'gain';
  return (
    <td data-numeric className={tone}>
      {formatSignedCount(value)}
    </td>
  );
}
