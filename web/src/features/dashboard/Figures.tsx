import type { ReactNode } from 'react';
import type { Dashboard, DashboardTotal } from '@/client/schema';
import { AccountBadge } from '@/components/AccountBadge';
import { formatSignedMoney, formatWhole, signOf } from '@/lib/decimal';
import { formatCount, formatSignedPercent, NOT_KNOWN } from '@/lib/numbers';
import styles from './dashboard.module.css';

const TONES = { '-1': 'loss', '0': '', '1': 'gain' } as const;

/** The money, in one line; a line for each kind of it and each currency where there are several. */
export function Figures({ dashboard: { totals, strategies } }: { dashboard: Dashboard }) {
  if (totals.length === 0) {
    return (
      <div className={`panel ${styles.figure}`}>
        <p className={styles.nothing}>
          No account has been read from the broker yet. Figures appear after the first reading.
        </p>
      </div>
    );
  }
  const isMixed = new Set(totals.map((total) => total.kind)).size > 1;
  return totals.map((total) => (
    <Line
      key={`${total.kind}${total.currency}`}
      total={total}
      strategies={strategies.filter((each) => each.account.kind === total.kind).length}
      isMixed={isMixed}
    />
  ));
}

interface LineProps {
  total: DashboardTotal;
  strategies: number;
  /** Whether another line is of another kind of money. */
  isMixed: boolean;
}

function Line({ total, strategies, isMixed }: LineProps) {
  const { currency, kind } = total;
  return (
    <dl className={`panel ${styles.figures}`} style={{ margin: 0 }}>
      <Figure
        label={
          <>
            {isMixed && (
              <>
                <AccountBadge kind={kind} />{' '}
              </>
            )}
            Net liquidation value, {currency}
          </>
        }
      >
        {formatWhole(total.net_liquidation)}
      </Figure>
      <Figure label="Today" note={dayNote(total)} noteTone={dayTone(total)}>
        <span className={dayTone(total)}>
          {total.day_pnl === null ? NOT_KNOWN : formatSignedMoney(total.day_pnl)}
        </span>
      </Figure>
      <Figure label="Cash">{formatWhole(total.cash)}</Figure>
      <Figure label="Buying power">{formatWhole(total.buying_power)}</Figure>
      <Figure label="Maintenance margin">{formatWhole(total.maint_margin)}</Figure>
      <Figure
        label="Positions"
        note={`${strategies} ${strategies === 1 ? 'strategy' : 'strategies'} at work`}
      >
        {formatCount(total.positions_count)}
      </Figure>
    </dl>
  );
}

interface FigureProps {
  label: ReactNode;
  note?: string | undefined;
  noteTone?: string;
  children: ReactNode;
}

function Figure({ label, note, noteTone = '', children }: FigureProps) {
  return (
    <div className={styles.figure}>
      <dt>{label}</dt>
      <dd className="numeric">
        {children}
        {note !== undefined && <div className={`${styles.note} ${noteTone}`}>{note}</div>}
      </dd>
    </div>
  );
}

function dayTone({ day_pnl }: DashboardTotal): string {
  return day_pnl === null ? '' : TONES[signOf(day_pnl)];
}

function dayNote({ day_pnl_fraction }: DashboardTotal): string | undefined {
  return day_pnl_fraction === null ? undefined : formatSignedPercent(day_pnl_fraction);
}
