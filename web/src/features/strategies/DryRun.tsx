import { Button, Group, List, Stack, Text, Title } from '@mantine/core';
import { IconTelescope } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import type { DryRunAnswer, StrategyDetail } from '@/client/schema';
import type { Config } from '@/components/config/settings';
import { Moment } from '@/components/Moment';
import { FoundTable } from '@/components/opportunity/FoundTable';
import { RemovedBars } from '@/components/opportunity/RemovedBars';
import { ProblemNotice } from '@/components/ProblemNotice';
import { newKey } from '@/lib/newKey';
import styles from './DryRun.module.css';

interface DryRunProps {
  strategy: StrategyDetail;
  /** The settings in the form; null for those in force. */
  config: Config | null;
  /** The form holds something that is no setting. */
  isBlocked: boolean;
  onProblem: (error: unknown) => void;
}

/** What would it find now? Nothing of it is offered or kept. */
export function DryRun({ strategy, config, isBlocked, onProblem }: DryRunProps) {
  const look = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/api/strategies/{strategy_id}/dry-run/', {
          params: {
            path: { strategy_id: strategy.id },
            header: { 'Idempotency-Key': newKey() },
          },
          body: { config: config as never },
        }),
      ),
    onError: onProblem,
  });
  return (
    <div className={styles.box}>
      <Group justify="space-between">
        <Text size="sm">
          What would it find now, on{' '}
          {config === null ? 'the settings in force' : 'the settings above'}? Nothing is recommended
          or kept.
        </Text>
        <Button
          variant="default"
          leftSection={<IconTelescope size={16} aria-hidden />}
          loading={look.isPending}
          disabled={isBlocked}
          onClick={() => look.mutate()}
        >
          Dry run
        </Button>
      </Group>
      <div aria-live="polite">
        {look.isPending && (
          <Text size="sm" c="dimmed">
            Reading the option chains from the broker. It may take a minute.
          </Text>
        )}
        {look.isError && <ProblemNotice error={look.error} />}
        {look.data !== undefined && <Findings found={look.data} />}
      </div>
    </div>
  );
}

function Findings({ found }: { found: DryRunAnswer }) {
  const { trades, opportunities } = found;
  return (
    <Stack gap="md">
      <div>
        <Title order={3} size="h4">
          {trades.length === 0
            ? 'It would recommend nothing'
            : `It would recommend ${trades.length === 1 ? 'one trade' : `${trades.length} trades`}`}
        </Title>
        <Text size="sm" c="dimmed">
          Market as of <Moment at={found.market_at} clock="market" /> · {found.opportunities_found}{' '}
          contracts qualify
          {found.opportunities_found > opportunities.length &&
            `, the best ${opportunities.length} are listed`}
        </Text>
      </div>
      {trades.length > 0 ? (
        <List size="sm" spacing={4}>
          {trades.map((trade) => (
            <List.Item key={`${trade.opportunity_rank}${trade.summary}`}>{trade.summary}</List.Item>
          ))}
        </List>
      ) : (
        <Text size="sm">{found.no_trade_reason}</Text>
      )}
      {found.errors.length > 0 && (
        <Text size="sm" fw={600}>
          Without data: {found.errors.join('; ')}
        </Text>
      )}
      {opportunities.length > 0 && <FoundTable found={opportunities} />}
      <RemovedBars removed={found.removed} />
    </Stack>
  );
}
