import { Link } from '@tanstack/react-router';
import type { RecommendationRow } from '@/client/schema';
import { Below } from '@/components/Below';
import { Countdown } from '@/components/Countdown';
import { accountColumn, figureColumn, moneyColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { Moment } from '@/components/Moment';
import rowLink from '@/components/RowLink.module.css';
import { StateTag, Tag } from '@/components/Tag';
import {
  formatCount,
  formatDelta,
  formatPercent,
  formatPercentOne,
  formatRoughPercent,
  formatSignedCount,
} from '@/lib/numbers';
import { isPackage, priceWords } from '@/lib/package';
import { ORDER_STATES, QUOTE_QUALITIES, RECOMMENDATION_STATES } from '@/lib/states';
import styles from './columns.module.css';

export type Row = RecommendationRow;

/** The contract of an ordinary trade; all legs of a package in words. */
export function tradeOf(row: Row): string {
  return isPackage(row.legs) ? row.trade : row.contract.description;
}

export function ContractLink({ row }: { row: Row }) {
  return (
    <Link to="/recommendations/$id" params={{ id: row.id }} className={rowLink.link}>
      {tradeOf(row)}
    </Link>
  );
}

/** `Sell to open`. */
export function actionOf(row: Row): string {
  if (row.action === 'ROLL') return 'Roll';
  const aim = row.action === 'OPEN' ? 'open' : 'close';
  if (isPackage(row.legs)) return `Package to ${aim}`;
  return `${row.side === 'SELL' ? 'Sell' : 'Buy'} to ${aim}`;
}

export function StateCell({ row }: { row: Row }) {
  return <StateTag state={row.state} words={RECOMMENDATION_STATES} />;
}

/** The quality of the quote it stands on; what is not live is not traded. */
function QualityCell({ row }: { row: Row }) {
  return <StateTag state={row.quote_quality ?? 'MISSING'} words={QUOTE_QUALITIES} />;
}

/** One of two people has approved it, and it waits for the other. */
export function FirstOfTwo({ row }: { row: Row }) {
  if (row.state !== 'PROPOSED' || row.first_approved_at === null) return null;
  return <Tag tone="warn">1 OF 2 APPROVED</Tag>;
}

export function TimeLeft({ row }: { row: Row }) {
  return row.state === 'PROPOSED' ? (
    <Countdown deadline={row.deadline} />
  ) : (
    <Moment at={row.deadline} clock="market" />
  );
}

const DEADLINE: Column<Row> = {
  id: 'deadline',
  header: 'Time left',
  hint: 'Until nobody may approve any more',
  kind: 'text',
  value: (row) => row.deadline,
  cell: (row) => <TimeLeft row={row} />,
};

const STATE: Column<Row> = {
  id: 'state',
  header: 'State, order',
  hint: 'Of the recommendation, and of the latest attempt of its order',
  kind: 'text',
  value: (row) => row.state,
  cell: (row) => (
    <span className={styles.states}>
      <StateCell row={row} />
      {row.order_state !== null && <StateTag state={row.order_state} words={ORDER_STATES} />}
      {row.state === 'PROPOSED' && <Countdown deadline={row.deadline} />}
    </span>
  ),
};

const ORDER: Column<Row> = {
  id: 'order',
  header: 'Order',
  kind: 'text',
  value: (row) => row.order_state ?? '',
};

const OFFER: readonly Column<Row>[] = [
  {
    id: 'strategy',
    header: 'Strategy',
    kind: 'text',
    value: (row) => row.strategy.name,
    isHidden: true,
  },
  {
    id: 'action',
    header: 'Action',
    kind: 'text',
    value: actionOf,
    isHidden: true,
  },
  {
    id: 'contract',
    header: 'Contract, action, strategy',
    kind: 'text',
    wraps: true,
    value: tradeOf,
    cell: (row) => (
      <>
        <ContractLink row={row} />
        <Below>
          {actionOf(row)} · {row.strategy.name}
        </Below>
        <FirstOfTwo row={row} />
      </>
    ),
  },
  // Whose money it is stands beside the trade, never beyond the edge.
  accountColumn(),
  {
    id: 'quantity',
    header: 'Qty',
    hint: 'Contracts',
    kind: 'number',
    value: (row) => row.quantity,
  },
  {
    id: 'limit',
    header: 'Limit',
    hint: 'Price per share',
    kind: 'decimal',
    value: (row) => row.limit_price,
    cell: (row) => <span className="numeric">{priceWords(row.legs, row.limit_price)}</span>,
  },
  moneyColumn(
    'credit',
    'Credit',
    (row) => row.credit,
    'At the limit, for the whole quantity; + is received',
  ),
  figureColumn(
    'ror',
    'ROR',
    'Return on risk: credit over collateral',
    (row) => row.metrics.ror,
    formatPercent,
  ),
  figureColumn(
    'ror_annualised',
    'Annual.',
    'Return on risk, annualised',
    (row) => row.metrics.ror_annualised,
    formatPercentOne,
  ),
  figureColumn(
    'delta',
    'Delta',
    'Of the option, to its holder',
    (row) => row.metrics.delta,
    formatDelta,
  ),
  figureColumn('dte', 'DTE', 'Calendar days to expiry', (row) => row.metrics.dte, formatCount),
  figureColumn(
    'pop',
    'POP',
    'Probability of profit, estimated',
    (row) => row.metrics.pop,
    formatRoughPercent,
  ),
  figureColumn(
    'max_loss',
    'Max loss',
    'Of the whole quantity, before commissions',
    (row) => (row.metrics.max_loss === null ? null : row.metrics.max_loss * row.quantity),
    formatCount,
  ),
  figureColumn(
    'margin_change',
    'Margin',
    'What it adds to maintenance margin, by our estimate',
    (row) => row.margin_change,
    formatSignedCount,
  ),
  figureColumn(
    'confidence',
    'Conf.',
    'The strategy’s confidence',
    (row) => row.confidence,
    formatRoughPercent,
  ),
  {
    id: 'data',
    header: 'Data',
    hint: 'How good the option’s latest quote is',
    kind: 'text',
    value: (row) => row.quote_quality ?? 'MISSING',
    cell: (row) => <QualityCell row={row} />,
  },
];

/** Of what waits for a decision: how long, and what. */
export const DECIDE_COLUMNS: readonly Column<Row>[] = [DEADLINE, ...OFFER, hidden(STATE)];

/** Of what may be decided already: what became of it. */
export const FOLLOW_COLUMNS: readonly Column<Row>[] = [
  STATE,
  ...OFFER,
  hidden(ORDER),
  hidden(DEADLINE),
];

function hidden(column: Column<Row>): Column<Row> {
  return { ...column, isHidden: true };
}
