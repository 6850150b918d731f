import { Text } from '@mantine/core';
import type { PositionRow, UnderlyingRow } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import type { Column } from '@/components/columns';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
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

function figure<Row>(
  id: string,
  header: string,
  hint: string,
  value: (row: Row) => number | null,
  show: (value: number | null) => string,
): Column<Row> {
  return { id, header, hint, kind: 'number', value, cell: (row) => show(value(row)) };
}

/** What may soon become of a position, worst first. */
export function warningsOf(row: PositionRow): { tone: 'warn' | 'danger'; words: string }[] {
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
        <strong>{row.description}</strong>
        <Text size="xs" c="dimmed" component="div">
          {row.symbol} at{' '}
          {row.underlying_price === null ? '–' : <Price value={row.underlying_price} />}
        </Text>
      </>
    ),
  },
  { id: 'symbol', header: 'Symbol', kind: 'text', value: (row) => row.symbol, isHidden: true },
  {
    id: 'quantity',
    header: 'Qty',
    hint: 'Contracts or shares; negative is short',
    kind: 'decimal',
    value: (row) => row.quantity,
    cell: (row) => <Quantity value={row.quantity} />,
  },
  {
    id: 'value',
    header: 'Value',
    hint: 'Market value, multiplier included',
    kind: 'decimal',
    value: (row) => row.market_value,
    cell: (row) => <Price value={row.market_value} />,
  },
  {
    id: 'pnl',
    header: 'P&L',
    hint: 'Unrealised, by the broker',
    kind: 'decimal',
    value: (row) => row.unrealized_pnl,
    cell: (row) => <SignedMoney value={row.unrealized_pnl} />,
  },
  {
    id: 'today',
    header: 'Today',
    hint: 'Since the session before',
    kind: 'decimal',
    value: (row) => row.daily_pnl,
    cell: (row) => <SignedMoney value={row.daily_pnl} />,
  },
  figure('dte', 'DTE', 'Calendar days to expiry', (row) => row.dte, formatCount),
  figure(
    'moneyness',
    'Moneyness',
    'How far in the money, of the underlying’s price; − is outside',
    (row) => row.moneyness,
    formatSignedPercent,
  ),
  figure('delta', 'Delta', 'Of the option, to its holder', (row) => row.delta, formatDelta),
  figure(
    'shares',
    'Δ shares',
    'Delta of the whole position, in shares',
    (row) => row.delta_shares,
    formatSignedCount,
  ),
  figure(
    'theta',
    'Theta',
    'Gained per calendar day',
    (row) => row.theta_per_day,
    formatSignedLevel,
  ),
  figure('vega', 'Vega', 'Gained per volatility point', (row) => row.vega_point, formatSignedLevel),
  figure('iv', 'IV', 'Annualised', (row) => row.iv, formatPercentOne),
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
  {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: (row) => `${row.account.label} ${row.account.kind}`,
    cell: (row) => <AccountCell account={row.account} />,
  },
];

export const UNDERLYING_COLUMNS: readonly Column<UnderlyingRow>[] = [
  {
    id: 'symbol',
    header: 'Underlying',
    kind: 'text',
    value: (row) => row.symbol,
    cell: (row) => (
      <>
        <strong>{row.symbol}</strong>
        <Text size="xs" c="dimmed">
          {row.sector ?? 'sector not known'}
        </Text>
      </>
    ),
  },
  figure('price', 'Price', 'Of the underlying', (row) => row.price, formatLevel),
  {
    id: 'notional',
    header: 'At stake',
    hint: 'Gross: shares at value, short puts at what assignment would cost',
    kind: 'decimal',
    value: (row) => row.notional,
    cell: (row) => <Price value={row.notional} />,
  },
  figure('fraction', 'Of equity', 'At stake over equity', (row) => row.fraction, formatPercentOne),
  {
    id: 'pnl',
    header: 'P&L',
    hint: 'Unrealised',
    kind: 'decimal',
    value: (row) => row.unrealized_pnl,
    cell: (row) => <SignedMoney value={row.unrealized_pnl} />,
  },
  {
    id: 'today',
    header: 'Today',
    kind: 'decimal',
    value: (row) => row.daily_pnl,
    cell: (row) => <SignedMoney value={row.daily_pnl} />,
  },
  figure('shares', 'Δ shares', 'Delta in shares', (row) => row.delta_shares, formatSignedCount),
  figure(
    'delta',
    'Δ per 1 %',
    'Gained if it rises by 1 %',
    (row) => row.greeks.delta / 100,
    formatSignedCount,
  ),
  figure(
    'gamma',
    'Γ per 1 %',
    'Change of Δ per 1 % as it rises by 1 %',
    (row) => row.greeks.gamma_1pct / 100,
    formatSignedCount,
  ),
  figure('theta', 'Theta', 'Per day', (row) => row.greeks.theta_per_day, formatSignedCount),
  figure('vega', 'Vega', 'Per point', (row) => row.greeks.vega_point, formatSignedCount),
  figure('beta', 'Beta', 'To the S&P 500', (row) => row.beta, formatLevel),
  figure(
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
