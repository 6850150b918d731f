import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import type { PortfolioRisk } from '@/client/schema';
import { Hint } from '@/components/Hint';
import { formatWhole } from '@/lib/decimal';
import { formatSignedCount, formatSignedLevel } from '@/lib/numbers';
import styles from './portfolio.module.css';

/** The portfolio's greeks, in money. */
export function GreeksLine({ risk }: { risk: PortfolioRisk }) {
  const { greeks, currency, stress } = risk;
  if (greeks === null) return null;
  const units = greeks.beta_weighted_units;
  return (
    <div>
      <dl className={`panel ${styles.greeks}`}>
        <Greek label={`Equity, ${currency}`}>{formatWhole(risk.equity)}</Greek>
        <Greek label="Delta" hint="Gained if every underlying rises by 1 %">
          {formatSignedCount(greeks.total.delta / 100)}
          <Note>per +1 %</Note>
        </Greek>
        <Greek
          label="Beta-weighted delta"
          hint="Each delta weighed with its underlying’s beta to the S&P 500"
        >
          {formatSignedCount(greeks.beta_weighted_delta / 100)}
          <Note>
            {units === null ? 'per +1 %' : `${formatSignedLevel(units)} ${greeks.benchmark}`}
          </Note>
        </Greek>
        <Greek label="Theta" hint="Gained as one calendar day passes">
          {formatSignedCount(greeks.total.theta_per_day)}
          <Note>per day</Note>
        </Greek>
        <Greek label="Vega" hint="Gained if every volatility rises by one point">
          {formatSignedCount(greeks.total.vega_point)}
          <Note>per point</Note>
        </Greek>
        {stress !== null && (
          <Greek label="Worst of the stress grid" hint="The largest loss of all cells">
            {formatSignedCount(stress.worst.pnl)}
            <Note>
              spot {percent(stress.worst.spot_move)}, vol {percent(stress.worst.vol_shift)}
            </Note>
          </Greek>
        )}
      </dl>
      <LeftOut risk={risk} />
    </div>
  );
}

/** What the sums do not contain is said beside them. */
function LeftOut({ risk }: { risk: PortfolioRisk }) {
  const lines = [
    risk.left_out.length > 0 &&
      `Not in these figures: ${risk.left_out.map((each) => each.label).join(', ')} (another kind of money or currency, or never read).`,
    (risk.greeks?.unpriced.length ?? 0) > 0 &&
      `${risk.greeks?.unpriced.length} positions cannot be priced and are in no sum of greeks or stress.`,
    (risk.greeks?.unknown_beta.length ?? 0) > 0 &&
      `Beta not known: ${risk.greeks?.unknown_beta.join(', ')}.`,
  ].filter((line) => line !== false);
  if (lines.length === 0) return null;
  return (
    <Text size="sm" c="dimmed" mt={6}>
      {lines.join(' ')}
    </Text>
  );
}

function percent(fraction: number): string {
  return `${formatSignedCount(fraction * 100)}%`;
}

function Greek({ label, hint, children }: { label: string; hint?: string; children: ReactNode }) {
  return (
    <div className={styles.greek}>
      <dt>{hint === undefined ? label : <Hint label={hint}>{label}</Hint>}</dt>
      <dd className="numeric">{children}</dd>
    </div>
  );
}

function Note({ children }: { children: ReactNode }) {
  return <span className={styles.note}> {children}</span>;
}
