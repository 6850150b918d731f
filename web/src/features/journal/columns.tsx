import { Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ContractResultRow, CycleRow, OutcomeRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import type { Column } from '@/components/columns';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { Tag } from '@/components/Tag';
import { NOT_KNOWN } from '@/lib/numbers';

export const ELSEWHERE = 'Outside the desk';

export function contractWords(row: ContractResultRow): string {
  return row.contract?.description ?? `conId ${row.con_id}`;
}

function Incomplete() {
  return (
    <Text size="xs" c="dimmed">
      cost not known to the cent
    </Text>
  );
}

export const CONTRACT_COLUMNS: readonly Column<ContractResultRow>[] = [
  {
    id: 'contract',
    header: 'Contract',
    kind: 'text',
    value: contractWords,
    cell: (row) => (
      <>
        {contractWords(row)}
        {!row.complete && <Incomplete />}
      </>
    ),
  },
  {
    id: 'quantity',
    header: 'Held',
    kind: 'decimal',
    value: (row) => row.quantity,
    cell: (row) => <Quantity value={row.quantity} />,
  },
  {
    id: 'realised',
    header: 'Realised',
    hint: 'What ended, against its mean cost, commissions included',
    kind: 'decimal',
    value: (row) => row.realised,
    cell: (row) => <SignedMoney value={row.realised} />,
  },
  {
    id: 'unrealised',
    header: 'Unrealised',
    hint: 'What is held, at the broker’s value, against its cost',
    kind: 'decimal',
    value: (row) => row.unrealised,
    cell: (row) => <SignedMoney value={row.unrealised} />,
  },
  {
    id: 'currency',
    header: 'Currency',
    kind: 'text',
    value: (row) => row.currency,
    isHidden: true,
  },
  {
    id: 'strategy',
    header: 'Opened by',
    kind: 'text',
    wraps: true,
    value: (row) => `${row.strategy ?? ELSEWHERE} ${row.approver ?? ''}`,
    cell: (row) => (
      <>
        {row.strategy ?? ELSEWHERE}
        <Text size="xs" c="dimmed">
          {row.approver}
        </Text>
      </>
    ),
  },
  {
    id: 'opened',
    header: 'Opened',
    kind: 'text',
    value: (row) => row.opened_at,
    cell: (row) => <Moment at={row.opened_at} clock="market" />,
  },
  {
    id: 'ended',
    header: 'Ended',
    kind: 'text',
    value: (row) => row.ended_at,
    cell: (row) =>
      row.ended_at === null ? (
        <Tag tone="info">OPEN</Tag>
      ) : (
        <Moment at={row.ended_at} clock="market" />
      ),
  },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => row.account.label,
    cell: (row) => <AccountCell account={row.account} />,
  },
];

export const CYCLE_COLUMNS: readonly Column<CycleRow>[] = [
  {
    id: 'symbol',
    header: 'Underlying',
    kind: 'text',
    wraps: true,
    value: (row) => row.symbol,
    cell: (row) => (
      <>
        <strong>{row.symbol}</strong>
        {!row.complete && <Incomplete />}
      </>
    ),
  },
  {
    id: 'started',
    header: 'Began',
    kind: 'text',
    value: (row) => row.started_at,
    cell: (row) => <Moment at={row.started_at} clock="market" />,
  },
  {
    id: 'ended',
    header: 'Ended',
    kind: 'text',
    value: (row) => row.ended_at,
    cell: (row) =>
      row.ended_at === null ? (
        <Tag tone="info">OPEN</Tag>
      ) : (
        <Moment at={row.ended_at} clock="market" />
      ),
  },
  {
    id: 'premium',
    header: 'Premium',
    hint: 'Of options, net of what was paid back',
    kind: 'decimal',
    value: (row) => row.premium,
    cell: (row) => <SignedMoney value={row.premium} />,
  },
  {
    id: 'dividends',
    header: 'Dividends',
    kind: 'decimal',
    value: (row) => row.dividends,
    cell: (row) => <SignedMoney value={row.dividends} />,
  },
  {
    id: 'realised',
    header: 'On shares',
    hint: 'Sold or called away',
    kind: 'decimal',
    value: (row) => row.realised,
    cell: (row) => <SignedMoney value={row.realised} />,
  },
  {
    id: 'result',
    header: 'So far',
    hint: 'In cash; shares still held at what they cost',
    kind: 'decimal',
    value: (row) => row.result,
    cell: (row) => <SignedMoney value={row.result} />,
  },
  {
    id: 'shares',
    header: 'Shares',
    kind: 'decimal',
    value: (row) => row.shares,
    cell: (row) => <Quantity value={row.shares} />,
  },
  {
    id: 'basis',
    header: 'Basis a share',
    hint: 'What the shares cost less premiums and dividends: calls are not sold below it',
    kind: 'decimal',
    value: (row) => row.adjusted_basis,
    cell: (row) => <Price value={roundedCents(row.adjusted_basis)} />,
  },
  {
    id: 'turns',
    header: 'Turned',
    hint: 'Deliveries of shares by assignment, and rolls',
    kind: 'number',
    value: (row) => row.assignments + row.rolls,
    cell: (row) => `${row.assignments} + ${row.rolls}`,
  },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => row.account.label,
    cell: (row) => <AccountCell account={row.account} />,
  },
];

/** A mean has endless digits; four after the point are more than a price has. */
function roundedCents(value: string | null): string | null {
  return value === null
    ? null
    : Number(value)
        .toFixed(4)
        .replace(/0{1,2}$/, '');
}

export function OutcomeLink({ row }: { row: OutcomeRow }) {
  return (
    <Link to="/recommendations/$id" params={{ id: row.recommendation_id }} className={rowLink.link}>
      {row.trade}
    </Link>
  );
}

export function DecisionTag({ row }: { row: OutcomeRow }) {
  return (
    <Tag tone={row.decision === 'APPROVE' ? 'ok' : 'neutral'}>
      {row.decision === 'APPROVE' ? 'APPROVED' : 'REJECTED'}
    </Tag>
  );
}

/** What it came to since, or why that cannot be told. */
export function Since({ row }: { row: OutcomeRow }) {
  if (row.entry_cash === null) return <Text size="xs">nothing was filled</Text>;
  if (row.result === null || row.marked_at === null) {
    return <Text size="xs">not looked at since</Text>;
  }
  return (
    <Text size="xs" c="dimmed" component="div">
      {row.is_final ? 'at expiry' : <Moment at={row.marked_at} clock="market" />}
    </Text>
  );
}

export const OUTCOME_COLUMNS: readonly Column<OutcomeRow>[] = [
  {
    id: 'decided',
    header: 'Decided',
    kind: 'text',
    value: (row) => row.decided_at,
    cell: (row) => <Moment at={row.decided_at} />,
  },
  {
    id: 'decision',
    header: 'Decision',
    kind: 'text',
    wraps: true,
    value: (row) => `${row.decision} ${row.reason ?? ''}`,
    cell: (row) => (
      <>
        <DecisionTag row={row} />
        <Text size="xs" c="dimmed">
          {row.reason ?? row.state}
        </Text>
      </>
    ),
  },
  {
    id: 'trade',
    header: 'Trade',
    kind: 'text',
    wraps: true,
    value: (row) => row.trade,
    cell: (row) => (
      <>
        <OutcomeLink row={row} />
        <Text size="xs" c="dimmed">
          {row.strategy.name}
        </Text>
      </>
    ),
  },
  { id: 'approver', header: 'By', kind: 'text', value: (row) => row.approver },
  {
    id: 'entry',
    header: 'Brought',
    hint: 'By its executions; of a rejected one, what it would have brought at its limit',
    kind: 'decimal',
    value: (row) => row.entry_cash,
    cell: (row) => <SignedMoney value={row.entry_cash} />,
  },
  {
    id: 'worth',
    header: 'Worth since',
    hint: 'The legs by the latest quote, or what was left of them at expiry',
    kind: 'decimal',
    value: (row) => row.worth,
    cell: (row) => <SignedMoney value={row.worth} />,
  },
  {
    id: 'result',
    header: 'If held',
    hint: 'Both together: what the trade alone has come to',
    kind: 'decimal',
    value: (row) => row.result,
    cell: (row) => (
      <>
        {row.result === null ? NOT_KNOWN : <SignedMoney value={row.result} />}
        <Since row={row} />
      </>
    ),
  },
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => row.account.label,
    cell: (row) => <AccountCell account={row.account} />,
  },
  {
    id: 'strategy',
    header: 'Strategy',
    kind: 'text',
    value: (row) => row.strategy.name,
    isHidden: true,
  },
];
