import type { Expiry } from '@/client/schema';
import { AccountBadge } from '@/components/AccountBadge';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import { formatQuantity, formatWhole } from '@/lib/decimal';
import { formatDate } from '@/lib/time';
import styles from './dashboard.module.css';

export function Expiries({ expiries }: { expiries: Expiry[] }) {
  const isMixed = new Set(expiries.map((each) => each.kind)).size > 1;
  return (
    <Section title="Expiring within seven days">
      {expiries.length === 0 ? (
        <p className={styles.nothing}>No option expires in the coming seven days.</p>
      ) : (
        <ul className={styles.rows}>
          {expiries.map((each) => (
            <li key={`${each.kind}${each.expiry}`}>
              <span>
                <strong>{formatDate(each.expiry)}</strong>{' '}
                <span className={styles.small}>{daysTo(each.dte)}</span>{' '}
                {isMixed && <AccountBadge kind={each.kind} />}
                <div className={styles.small}>{each.symbols.join(', ')}</div>
              </span>
              <span className={styles.side}>
                <span className="numeric">{formatQuantity(each.short_contracts)} short</span>{' '}
                {Number(each.short_in_the_money) > 0 && (
                  <Tag tone="warn">{formatQuantity(each.short_in_the_money)} in the money</Tag>
                )}
                <div className={`numeric ${styles.small}`}>
                  notional {formatWhole(each.short_notional)}
                </div>
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}

function daysTo(dte: number): string {
  if (dte < 0) return 'past';
  if (dte === 0) return 'today';
  return dte === 1 ? 'tomorrow' : `in ${dte} days`;
}
