import { Button, Group, Stack, Text } from '@mantine/core';
import { IconPlus, IconRobot } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { useChosenClient } from '@/client/hooks';
import type { StrategyRow } from '@/client/schema';
import { strategiesQuery } from '@/client/strategies';
import { AccountCell } from '@/components/AccountCell';
import { AccountFilter } from '@/components/AccountFilter';
import { Dialog } from '@/components/Dialog';
import { EmptyState } from '@/components/EmptyState';
import { TableScreen } from '@/components/TableScreen';
import { LastRun, NextRun, STRATEGY_COLUMNS, StrategyLink } from './columns';
import { NewStrategy } from './NewStrategy';
import { StrategyActions } from './StrategyActions';
import type { StrategiesSearch } from './search';
import { useConfigurableAccounts } from './useConfigurableAccounts';

const route = getRouteApi('/desk/strategies');

/** The strategies at work: which are on, what they found last, when they look next. */
export function StrategiesPage() {
  const { account } = route.useSearch();
  const navigate = route.useNavigate();
  const client = useChosenClient();
  const query = useInfiniteQuery(strategiesQuery({ client: client?.id, account }));
  const [isAdding, setIsAdding] = useState(false);
  const mayAdd = useConfigurableAccounts().length > 0;
  const change = (changes: StrategiesSearch) =>
    void navigate({ search: (search) => ({ ...search, ...changes }), replace: true });
  const add = mayAdd && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsAdding(true)}>
      New strategy
    </Button>
  );
  return (
    <>
      <TableScreen<StrategyRow>
        title="Strategies"
        name="strategies"
        query={query}
        columns={STRATEGY_COLUMNS}
        controls={
          <>
            <AccountFilter value={account} onChange={(id) => change({ account: id })} />
            {add}
          </>
        }
        empty={
          <EmptyState icon={IconRobot} title="No strategy is set to work" action={add}>
            A strategy looks at its universe every few minutes and recommends trades. Each trade
            waits for a person; a strategy never sends an order.
          </EmptyState>
        }
        rowKey={(row) => row.id}
        card={(row) => <StrategyCard strategy={row} />}
        isAlarming={(row) => row.enabled && row.last_run?.status === 'FAILED'}
      />
      <Dialog isOpen={isAdding} onClose={() => setIsAdding(false)} title="New strategy">
        <NewStrategy onDone={() => setIsAdding(false)} />
      </Dialog>
    </>
  );
}

function StrategyCard({ strategy }: { strategy: StrategyRow }) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" align="flex-start" gap={4}>
        <StrategyLink strategy={strategy} />
        <AccountCell account={strategy.account} />
      </Group>
      <Text component="div" size="sm">
        Last run: <LastRun run={strategy.last_run} />
      </Text>
      <Text component="div" size="sm">
        Next run: <NextRun strategy={strategy} />
      </Text>
      <StrategyActions strategy={strategy} />
    </Stack>
  );
}
