import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { PositionRow, UnderlyingRow } from '@/client/schema';
import { Below } from '@/components/Below';
import {
  accountColumn,
  figureColumn,
  moneyColumn,
  priceColumn,
  quantityColumn,
} from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { Price } from '@/components/Figures';
import rowLink from '@/components/RowLink.module.css';
import { Tag } from '@/components/Tag';
import {
  formatCount,
  formatDelta,
  formatLevel,
  formatPercentOne,
  formatRoughPercent,
  formatSignedCount,
  formatSignedLevel,
  formatSignedPercent,
} from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import styles from './portfolio.module.css';

/** What may soon become of a position, worst first. */
function warningsOf(row: PositionRow): { tone: 'warn' | 'danger'; words: string }[] {
  const { assignment, ex_dividend, dte, next_earnings, expiry } = row;
  const warnings: { tone: 'warn' | 'danger'; words: string }[] = [];
  if (assignment !== null) {
    const chance = assignment.probability;
    warnings.push({
      tone: dte !== null && dte <= 7 ? 'danger' : 'warn',
      words: chance === null ? 'ITM' : `ITM, ~${formatRoughPercent(chance)} assigned`,
    });
  }
  if (ex_dividend !== null) {
    warnings.push({
      tone: ex_dividend.is_likely ? 'danger' : 'warn',
      words: `Ex-div ${formatDate(ex_dividend.ex_date)}`,
    });
  }
  if (next_earnings !== null && expiry !== null && next_earnings <= expiry) {
    warnings.push({ tone: 'warn', words: `Earnings ${formatDate(next_earnings)}` });
  }
  return warnings;
}

/** Leads to the option chain of what a row is about. */
export function ChainLink({ symbol, children }: { symbol: string; children: ReactNode }) {
  return (
    <Link to="/chain" search={{ symbol } as never} className={rowLink.link}>
      {children}
    </Link>
  );
}

export function Warnings({ row }: { row: PositionRow }) {
  return (
    <span className={styles.ahead}>
      {warningsOf(row).map(({ tone, words }) => (
        <Tag key={words} tone={tone}>
          {words}
        </Tag>
      ))}
    </span>
  );
}

export const POSITION_COLUMNS: readonly Column<PositionRow>[] = [
  {
    id: 'position',
    header: 'Position',
    kind: 'text',
    value: (row) => row.description,
    cell: (row) => (
      <>
        <ChainLink symbol={row.symbol}>{row.description}</ChainLink>
        <Below>
          {row.symbol} at{' '}
          {row.underlying_price === null ? '–' : <Price value={row.underlying_price} />}
        </Below>
      </>
    ),
  },
  { id: 'symbol', header: 'Symbol', kind: 'text', value: (row) => row.symbol, isHidden: true },
  quantityColumn(
    'quantity',
    'Qty',
    (row) => row.quantity,
    'Contracts or shares; negative is short',
  ),
  priceColumn('value', 'Value', (row) => row.market_value, 'Market value, multiplier included'),
  moneyColumn('pnl', 'P&L', (row) => row.unrealized_pnl, 'Unrealised, by the broker'),
  moneyColumn('today', 'Today', (row) => row.daily_pnl, 'Since the session before'),
  figureColumn('dte', 'DTE', 'Calendar days to expiry', (row) => row.dte, formatCount),
  figureColumn(
    'moneyness',
    'Moneyness',
    'How far in the money, of the underlying’s price; − is outside',
    (row) => row.moneyness,
    formatSignedPercent,
  ),
  figureColumn('delta', 'Delta', 'Of the option, to its holder', (row) => row.delta, formatDelta),
  figureColumn(
    'shares',
    'Δ shares',
    'Delta of the whole position, in shares',
    (row) => row.delta_shares,
    formatSignedCount,
  ),
  figureColumn(
    'theta',
    'Theta',
    'Gained per calendar day',
    (row) => row.theta_per_day,
    formatSignedLevel,
  ),
  figureColumn(
    'vega',
    'Vega',
    'Gained per volatility point',
    (row) => row.vega_point,
    formatSignedLevel,
  ),
  figureColumn('iv', 'IV', 'Annualised', (row) => row.iv, formatPercentOne),
  {
    id: 'ahead',
    header: 'Ahead',
    hint: 'In the money, ex-dividend, earnings before expiry',
    kind: 'text',
    value: (row) =>
      warningsOf(row)
        .map(({ words }) => words)
        .join('; '),
    cell: (row) => <Warnings row={row} />,
  },
  accountColumn(),
];

export const UNDERLYING_COLUMNS: readonly Column<UnderlyingRow>[] = [
  {
    id: 'symbol',
    header: 'Underlying',
    kind: 'text',
    value: (row) => row.symbol,
    cell: (row) => (
      <>
        <ChainLink symbol={row.symbol}>{row.symbol}</ChainLink>
        <Below>{row.sector ?? 'sector not known'}</Below>
      </>
    ),
  },
  figureColumn('price', 'Price', 'Of the underlying', (row) => row.price, formatLevel),
  priceColumn(
    'notional',
    'At stake',
    (row) => row.notional,
    'Gross: shares at value, short puts at what assignment would cost',
  ),
  figureColumn(
    'fraction',
    'Of equity',
    'At stake over equity',
    (row) => row.fraction,
    formatPercentOne,
  ),
  moneyColumn('pnl', 'P&L', (row) => row.unrealized_pnl, 'Unrealised'),
  moneyColumn('today', 'Today', (row) => row.daily_pnl),
  figureColumn(
    'shares',
    'Δ shares',
    'Delta in shares',
    (row) => row.delta_shares,
    formatSignedCount,
  ),
  figureColumn(
    'delta',
    'Δ per 1 %',
    'Gained if it rises by 1 %',
    (row) => row.greeks.delta / 100,
    formatSignedCount,
  ),
  figureColumn(
    'gamma',
    'Γ per 1 %',
    'Change of Δ per 1 % as it rises by 1 %',
    (row) => row.greeks.gamma_1pct / 100,
    formatSignedCount,
  ),
  figureColumn('theta', 'Theta', 'Per day', (row) => row.greeks.theta_per_day, formatSignedCount),
  figureColumn('vega', 'Vega', 'Per point', (row) => row.greeks.vega_point, formatSignedCount),
  figureColumn('beta', 'Beta', 'To the S&P 500', (row) => row.beta, formatLevel),
  figureColumn(
    'worst',
    'Worst stress',
    'Its worst cell of the grid, the others standing still',
    (row) => row.worst_stress,
    formatSignedCount,
  ),
  {
    id: 'earnings',
    header: 'Earnings',
    kind: 'text',
    value: (row) => row.next_earnings,
    cell: (row) => (row.next_earnings === null ? '–' : formatDate(row.next_earnings)),
  },
  {
    id: 'ex_date',
    header: 'Ex-dividend',
    kind: 'text',
    value: (row) => row.next_ex_date,
    cell: (row) => (row.next_ex_date === null ? '–' : formatDate(row.next_ex_date)),
  },
];
