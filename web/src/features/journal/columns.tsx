import { Link } from '@tanstack/react-router';
import type { ContractResultRow, CycleRow, OutcomeRow } from '@/client/schema';
import { Below } from '@/components/Below';
import { accountColumn, momentColumn, moneyColumn, quantityColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { Price, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { Tag } from '@/components/Tag';
import { NOT_KNOWN } from '@/lib/numbers';

export const ELSEWHERE = 'Outside the desk';

export function contractWords(row: ContractResultRow): string {
  return row.contract?.description ?? `conId ${row.con_id}`;
}

function Incomplete() {
  return <Below>cost not known to the cent</Below>;
}

function BeforeTheRecord() {
  return <Below>before the record began</Below>;
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
  quantityColumn('quantity', 'Held', (row) => row.quantity),
  moneyColumn(
    'realised',
    'Realised',
    (row) => row.realised,
    'What ended, against its mean cost, commissions included',
  ),
  moneyColumn(
    'unrealised',
    'Unrealised',
    (row) => row.unrealised,
    'What is held, at the broker’s value, against its cost',
  ),
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
        <Below>{row.approver}</Below>
      </>
    ),
  },
  momentColumn('opened', 'Opened', (row) => row.opened_at, 'market', <BeforeTheRecord />),
  momentColumn('ended', 'Ended', (row) => row.ended_at, 'market', <Tag tone="info">OPEN</Tag>),
  accountColumn(),
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
  momentColumn('started', 'Began', (row) => row.started_at, 'market', <BeforeTheRecord />),
  momentColumn('ended', 'Ended', (row) => row.ended_at, 'market', <Tag tone="info">OPEN</Tag>),
  moneyColumn('premium', 'Premium', (row) => row.premium, 'Of options, net of what was paid back'),
  moneyColumn('dividends', 'Dividends', (row) => row.dividends),
  moneyColumn('realised', 'On shares', (row) => row.realised, 'Sold or called away'),
  moneyColumn(
    'result',
    'So far',
    (row) => row.result,
    'In cash; shares still held at what they cost',
  ),
  quantityColumn('shares', 'Shares', (row) => row.shares),
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
  accountColumn(),
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
  if (row.entry_cash === null) return <Below>nothing was filled</Below>;
  if (row.result === null || row.marked_at === null) {
    return <Below>no value on record since</Below>;
  }
  return <Below>{row.is_final ? 'at expiry' : <Moment at={row.marked_at} clock="market" />}</Below>;
}

export const OUTCOME_COLUMNS: readonly Column<OutcomeRow>[] = [
  momentColumn('decided', 'Decided', (row) => row.decided_at),
  {
    id: 'decision',
    header: 'Decision',
    kind: 'text',
    wraps: true,
    value: (row) => `${row.decision} ${row.reason ?? ''}`,
    cell: (row) => (
      <>
        <DecisionTag row={row} />
        <Below>{row.reason ?? row.state}</Below>
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
        <Below>{row.strategy.name}</Below>
      </>
    ),
  },
  { id: 'approver', header: 'By', kind: 'text', value: (row) => row.approver },
  moneyColumn(
    'entry',
    'Brought',
    (row) => row.entry_cash,
    'By its executions; of a rejected one, what it would have brought at its limit',
  ),
  moneyColumn(
    'worth',
    'Worth since',
    (row) => row.worth,
    'The legs by the latest quote, or what was left of them at expiry',
  ),
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
  accountColumn(),
  {
    id: 'strategy',
    header: 'Strategy',
    kind: 'text',
    value: (row) => row.strategy.name,
    isHidden: true,
  },
];
