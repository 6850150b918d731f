import { Stack, Text, Title } from '@mantine/core';
import type { OutlookAnswer, PayOff, RecommendationDetail, TradeOutlook } from '@/client/schema';
import { PlainTable } from '@/components/PlainTable';
import { formatRoughPercent, formatSignedCount } from '@/lib/numbers';
import { isSpread } from '@/lib/package';
import { assignmentWords } from './assignment';
import { drawnWords, PayOffChart } from './PayOffChart';

interface RisksProps {
  detail: RecommendationDetail;
  answer: OutlookAnswer;
}

/**
 * What can go wrong: the trade by itself, an assignment, and the account in a shock. Once it is
 * decided the account may hold it already, so that nothing can be told before and after it.
 */
export function Risks({ detail, answer: { outlook, why_no_outlook } }: RisksProps) {
  if (outlook === null) return <Text size="sm">{why_no_outlook}</Text>;
  const words = assignmentWords(detail, outlook);
  const currency = detail.terms.legs[0]?.contract.currency ?? '';
  const isOpen = detail.state === 'PROPOSED';
  if (!isOpen && outlook.pay_off === null && words.length === 0) {
    return <Text size="sm">It only closes what was held.</Text>;
  }
  return (
    <Stack gap="lg">
      {outlook.pay_off !== null && (
        <PayOffPart payOff={outlook.pay_off} symbol={detail.symbol} currency={currency} />
      )}
      {words.length > 0 && (
        <div>
          <Title order={3} size="sm" mb={4}>
            {isSpread(detail.legs) ? 'At expiry' : 'If it is assigned'}
          </Title>
          {words.map((sentence) => (
            <Text key={sentence} size="sm">
              {sentence}
            </Text>
          ))}
        </div>
      )}
      {isOpen && (
        <div>
          <Title order={3} size="sm" mb={4}>
            If the whole market moves at once: the account, in {currency}
          </Title>
          <StressTable outlook={outlook} />
          <LeftOut outlook={outlook} />
        </div>
      )}
    </Stack>
  );
}

function PayOffPart(props: { payOff: PayOff; symbol: string; currency: string }) {
  const words = drawnWords(props.payOff, props.symbol);
  return (
    <div>
      <PayOffChart {...props} />
      {words !== null && (
        <Text size="sm" c="dimmed" mt={4}>
          {words}
        </Text>
      )}
    </div>
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
    <PlainTable
      label="Stress before and after"
      head={[
        'All move by',
        { figure: 'Account now' },
        { figure: 'With this trade' },
        { figure: 'Difference' },
      ]}
    >
      <tbody>
        {outlook.stress.map(({ spot_move, before, after }) => (
          <tr key={spot_move}>
            <th scope="row">
              {spot_move > 0 ? '+' : ''}
              {formatRoughPercent(spot_move)}
            </th>
            <Amount value={before} />
            <Amount value={after} />
            <Amount value={after - before} />
          </tr>
        ))}
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
