import { Group, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { AccountCell } from '@/components/AccountCell';
import { SignedMoney } from '@/components/Figures';
import { StateTag } from '@/components/Tag';
import { formatCount, formatDelta, formatPercentOne, formatRoughPercent } from '@/lib/numbers';
import { isPackage, priceWords } from '@/lib/package';
import { ORDER_STATES } from '@/lib/states';
import { actionOf, ContractLink, FirstOfTwo, type Row, StateCell, TimeLeft } from './columns';

/** A recommendation on a narrow screen. */
export function QueueCard({ row, select }: { row: Row; select?: ReactNode }) {
  const { metrics } = row;
  return (
    <Stack gap={6}>
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        {select}
        <Text component="div" size="sm" flex={1}>
          {!isPackage(row.legs) && `${row.side === 'SELL' ? 'Sell' : 'Buy'} ${row.quantity} `}
          <ContractLink row={row} />
        </Text>
        {row.state === 'PROPOSED' && <TimeLeft row={row} />}
      </Group>
      <Group justify="space-between" wrap="nowrap">
        <Text component="span" size="sm">
          at <span className="numeric">{priceWords(row.legs, row.limit_price)}</span>
        </Text>
        <Text component="span" size="sm" fw={600}>
          <SignedMoney value={row.credit} />
        </Text>
      </Group>
      <Text size="xs" c="dimmed" className="numeric" style={{ whiteSpace: 'normal' }}>
        {formatPercentOne(metrics.ror_annualised)} a year · delta {formatDelta(metrics.delta)} ·{' '}
        {formatCount(metrics.dte)} days · POP {formatRoughPercent(metrics.pop)}
      </Text>
      <Group gap="xs">
        <AccountCell account={row.account} />
        <StateCell row={row} />
        <FirstOfTwo row={row} />
        {row.order_state !== null && <StateTag state={row.order_state} words={ORDER_STATES} />}
        <Text size="xs" c="dimmed">
          {actionOf(row)} · {row.strategy.name}
        </Text>
      </Group>
    </Stack>
  );
}
