import { Skeleton, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { OutlookAnswer, RecommendationDetail, TradeOutlook } from '@/client/schema';
import { Facts } from '@/components/Facts';
import plain from '@/components/PlainTable.module.css';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import { difference, formatAmount, signOf } from '@/lib/decimal';
import { formatPercentOne, formatRoughPercent } from '@/lib/numbers';
import { assignmentWords } from './assignment';
import { Drift } from './Drift';
import { outlookQuery } from './outlookQuery';
import { PayOffChart } from './PayOffChart';
import { Similar } from './Similar';

/** What can go wrong, what it costs in margin, and what the market has done since. */
export function Outlook({ detail }: { detail: RecommendationDetail }) {
  const query = useQuery(outlookQuery(detail.id));
  if (query.isPending)
    return <Skeleton height={320} role="status" aria-label="Loading the outlook" />;
  if (query.data === undefined) {
    return (
      <Section title="Outlook">
        <ProblemNotice
          error={query.error}
          onRetry={() => void query.refetch()}
          isRetrying={query.isFetching}
        />
      </Section>
    );
  }
  return <Loaded detail={detail} answer={query.data} />;
}

function Loaded({ detail, answer }: { detail: RecommendationDetail; answer: OutlookAnswer }) {
  const { outlook } = answer;
  return (
    <>
      {detail.state === 'PROPOSED' && (
        <Section title="The market since the proposal">
          <Drift detail={detail} drift={answer.drift} />
        </Section>
      )}
      {outlook === null ? (
        <Section title="Outlook">
          <Text size="sm">{answer.why_no_outlook}</Text>
        </Section>
      ) : (
        <Consequences detail={detail} outlook={outlook} />
      )}
      <Section title="Similar recommendations before">
        <Similar rows={answer.similar} />
      </Section>
    </>
  );
}

function Consequences({
  detail,
  outlook,
}: {
  detail: RecommendationDetail;
  outlook: TradeOutlook;
}) {
  const words = assignmentWords(detail, outlook);
  return (
    <>
      {outlook.pay_off !== null && (
        <Section title="Profit and loss of this trade">
          <PayOffChart payOff={outlook.pay_off} symbol={detail.symbol} />
        </Section>
      )}
      <Section title="What it does to the account">
        <Stack gap="md">
          <Account outlook={outlook} symbol={detail.symbol} />
          <StressTable outlook={outlook} />
          {outlook.left_out.length > 0 && (
            <Text size="sm" fw={600}>
              {outlook.left_out.length} {outlook.left_out.length === 1 ? 'position' : 'positions'}{' '}
              cannot be valued and {outlook.left_out.length === 1 ? 'is' : 'are'} in none of these
              figures.
            </Text>
          )}
          <Text size="xs" c="dimmed">
            Our estimates at the latest quotes. The broker’s own margin preview is asked for after
            an approval and governs.
          </Text>
        </Stack>
      </Section>
      {words.length > 0 && (
        <Section title="If it is assigned">
          <Stack gap={4}>
            {words.map((sentence) => (
              <Text key={sentence} size="sm">
                {sentence}
              </Text>
            ))}
          </Stack>
        </Section>
      )}
    </>
  );
}

function fraction(value: string | null): string {
  return formatPercentOne(value === null ? null : Number(value));
}

function Account({ outlook, symbol }: { outlook: TradeOutlook; symbol: string }) {
  const { margin } = outlook;
  return (
    <Facts
      facts={[
        {
          label: 'Margin usage',
          value: `${fraction(outlook.pm_usage_before)} → ${fraction(outlook.pm_usage_after)}`,
        },
        {
          label: 'Maintenance margin, est.',
          value: signed(margin.portfolio_maintenance.change),
        },
        { label: 'Under Reg T, est.', value: signed(margin.reg_t_maintenance.change) },
        {
          label: `In ${symbol}, of equity`,
          value: `${fraction(outlook.concentration_before)} → ${fraction(outlook.concentration_after)}`,
        },
      ]}
    />
  );
}

function signed(amount: number): string {
  const text = formatAmount(Math.abs(Math.round(amount)).toFixed());
  return amount < 0 ? `−${text}` : `+${text}`;
}

function StressTable({ outlook }: { outlook: TradeOutlook }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls needs the keyboard
    <section className={plain.scroll} tabIndex={0} aria-label="Stress before and after">
      <table className={plain.table}>
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
              <Amount
                key={row.spot_move}
                value={Number(difference(row.after.toFixed(2), row.before.toFixed(2)))}
              />
            ))}
          </tr>
        </tbody>
      </table>
    </section>
  );
}

function Amount({ value }: { value: number }) {
  const rounded = Math.round(value).toFixed();
  const tone = { '-1': 'loss', '0': '', '1': 'gain' }[signOf(rounded === '-0' ? '0' : rounded)];
  return (
    <td data-numeric className={tone}>
      {Math.round(value) === 0 ? '0' : signed(value)}
    </td>
  );
}
