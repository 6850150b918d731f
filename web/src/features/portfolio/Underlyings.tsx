import { Group, Text } from '@mantine/core';
import type { UnderlyingRow } from '@/client/schema';
import { SignedMoney } from '@/components/Figures';
import { FilteredTable } from '@/components/FilteredTable';
import { formatWhole } from '@/lib/decimal';
import { formatPercentOne, formatSignedCount } from '@/lib/numbers';
import { ChainLink, UNDERLYING_COLUMNS } from './columns';

export function Underlyings({ rows }: { rows: UnderlyingRow[] }) {
  return (
    <FilteredTable
      name="underlyings"
      label="Underlyings"
      columns={UNDERLYING_COLUMNS}
      rows={rows}
      rowKey={(row) => row.symbol}
      card={(row) => (
        <>
          <Group justify="space-between">
            <ChainLink symbol={row.symbol}>{row.symbol}</ChainLink>
            <SignedMoney value={row.unrealized_pnl} />
          </Group>
          <Text size="sm" c="dimmed">
            {formatWhole(row.notional)} at stake ({formatPercentOne(row.fraction)}) · Δ{' '}
            {formatSignedCount(row.delta_shares)} shares
          </Text>
        </>
      )}
    />
  );
}
