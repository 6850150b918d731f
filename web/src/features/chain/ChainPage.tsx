import { Group, NativeSelect, Skeleton, Stack, Text, VisuallyHidden } from '@mantine/core';
import { IconListTree } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { recordedChainsQuery } from '@/client/chains';
import { useChosenClient } from '@/client/hooks';
import type { ChainAnswer } from '@/client/schema';
import { EmptyState } from '@/components/EmptyState';
import { Moment } from '@/components/Moment';
import { PageTitle } from '@/components/PageTitle';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import { formatLevel, formatPercentOne } from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import { ChainTable } from './ChainTable';
import styles from './chain.module.css';
import { chainQuery } from './queries';
import { SmileChart, TermChart } from './VolCharts';

const route = getRouteApi('/desk/chain');

/** What the market offers on one underlying, and what the strategies make of it. */
export function ChainPage() {
  const { symbol, series } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const recorded = useQuery(recordedChainsQuery);
  const chosen = symbol ?? recorded.data?.[0]?.symbol;
  const chain = useQuery({
    ...chainQuery({ symbol: chosen ?? '', series, client: client?.id }),
    enabled: chosen !== undefined,
  });
  const error = recorded.error ?? chain.error;
  const retry = () => void Promise.all([recorded.refetch(), chain.refetch()]);
  return (
    <Stack gap="md" className={styles.page}>
      <Group justify="space-between" gap="sm">
        <PageTitle>Chain</PageTitle>
        <Group gap="sm">
          {chosen !== undefined && (
            <NativeSelect
              aria-label="Underlying"
              w={130}
              value={chosen}
              onChange={(event) => {
                const next = event.currentTarget.value;
                void navigate({ search: ({ client: kept }) => ({ client: kept, symbol: next }) });
              }}
              data={(recorded.data ?? []).map((each) => each.symbol)}
            />
          )}
          {chain.data !== undefined && (
            <NativeSelect
              aria-label="Expiry"
              w={230}
              value={chain.data.chosen ?? ''}
              onChange={(event) => {
                const key = event.currentTarget.value;
                void navigate({ search: (search) => ({ ...search, series: key }), replace: true });
              }}
              data={chain.data.series.map((each) => ({
                value: each.key,
                label: `${formatDate(each.expiry)} · ${each.dte} d${
                  each.trading_class === chain.data.symbol ? '' : ` · ${each.trading_class}`
                }`,
              }))}
            />
          )}
        </Group>
      </Group>
      {error !== null && <ProblemNotice error={error} onRetry={retry} />}
      {recorded.data?.length === 0 && (
        <div className="panel">
          <EmptyState icon={IconListTree} title="No chain was recorded yet">
            A strategy run records the chain of every underlying it looks at. Enable a strategy; its
            next run fills this screen.
          </EmptyState>
        </div>
      )}
      {(recorded.isPending || (chosen !== undefined && chain.isPending)) && (
        <div role="status">
          <VisuallyHidden>Loading…</VisuallyHidden>
          <Skeleton height={420} />
        </div>
      )}
      {chain.data !== undefined && <Chain chain={chain.data} />}
    </Stack>
  );
}

function Chain({ chain }: { chain: ChainAnswer }) {
  const series = chain.series.find((each) => each.key === chain.chosen);
  return (
    <>
      <Group gap="md">
        <Text component="div" fw={650} size="lg" className="numeric">
          {chain.symbol} {formatLevel(chain.underlying_price)}
        </Text>
        <Tag tone={chain.quality === 'LIVE' ? 'ok' : 'warn'}>{chain.quality}</Tag>
        <Text size="sm" c="dimmed" component="div">
          as of <Moment at={chain.as_of} clock="market" />
          {series !== undefined && ` · at the money ${formatPercentOne(series.atm_iv)}`}
          {series?.forward != null && ` · forward ${formatLevel(series.forward)}`}
        </Text>
      </Group>
      <div className={styles.charts}>
        <Section title="Smile">
          <SmileChart chain={chain} />
        </Section>
        <Section title="Term structure">
          <TermChart chain={chain} />
        </Section>
      </div>
      <ChainTable chain={chain} />
    </>
  );
}
