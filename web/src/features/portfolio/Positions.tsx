import { Group, Stack, Text } from '@mantine/core';
import { IconScale } from '@tabler/icons-react';
import type { PositionRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { EmptyState } from '@/components/EmptyState';
import { Quantity, SignedMoney } from '@/components/Figures';
import { FilteredTable } from '@/components/FilteredTable';
import { formatCount, formatSignedLevel } from '@/lib/numbers';
import { ChainLink, POSITION_COLUMNS, Warnings } from './columns';

export function Positions({ positions }: { positions: PositionRow[] }) {
  if (positions.length === 0) {
    return (
      <div className="panel">
        <EmptyState icon={IconScale} title="No positions">
          These accounts hold nothing but cash. Positions appear as the broker tells them.
        </EmptyState>
      </div>
    );
  }
  return (
    <FilteredTable
      name="positions"
      label="Positions"
      columns={POSITION_COLUMNS}
      rows={positions}
      rowKey={(row) => row.id}
      isAlarming={(row) => row.assignment !== null && row.dte !== null && row.dte <= 7}
      card={(row) => <PositionCard row={row} />}
    />
  );
}

function PositionCard({ row }: { row: PositionRow }) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap">
        <span>
          <Quantity value={row.quantity} />{' '}
          <ChainLink symbol={row.symbol}>{row.description}</ChainLink>
        </span>
        <SignedMoney value={row.unrealized_pnl} />
      </Group>
      <Text size="sm" c="dimmed">
        {row.dte === null ? '' : `${formatCount(row.dte)} days · `}theta{' '}
        {formatSignedLevel(row.theta_per_day)}
      </Text>
      <Group gap="xs">
        <Warnings row={row} />
        <AccountCell account={row.account} />
      </Group>
    </Stack>
  );
}
