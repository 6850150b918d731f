import type { Exposure } from '@/client/schema';
import { AccountBadge } from '@/components/AccountBadge';
import { Section } from '@/components/Section';
import { formatWhole } from '@/lib/decimal';
import { formatPercentOne } from '@/lib/numbers';
import styles from './dashboard.module.css';

const SHOWN = 8;

/** What depends on one name. Shares at value, short puts at what assignment would cost. */
export function Exposures({ exposures }: { exposures: Exposure[] }) {
  const largest = Math.max(...exposures.map((each) => Number(each.notional)), 1);
  const rest = exposures.length - SHOWN;
  const isMixed = new Set(exposures.map((each) => each.kind)).size > 1;
  return (
    <Section title="Exposure by underlying">
      {exposures.length === 0 ? (
        <p className={styles.nothing}>Nothing is held, so nothing depends on one name.</p>
      ) : (
        <ul className={styles.rows}>
          {exposures.slice(0, SHOWN).map((each) => (
            <li key={`${each.kind}${each.symbol}${each.currency}`}>
              <span>
                <strong>{each.symbol}</strong> {isMixed && <AccountBadge kind={each.kind} />}
              </span>
              <span className={`numeric ${styles.side}`}>
                {formatWhole(each.notional)} {each.currency}{' '}
                <span className={styles.small}>
                  {each.fraction === null ? '' : `${formatPercentOne(each.fraction)} of equity`}
                </span>
              </span>
              <span className={styles.bar} aria-hidden>
                <span style={{ width: `${(Number(each.notional) / largest) * 100}%` }} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {rest > 0 && <p className={styles.nothing}>and {rest} more under Positions & risk</p>}
    </Section>
  );
}
