import { IconCalendar } from '@tabler/icons-react';
import type { Expiry, PortfolioRisk } from '@/client/schema';
import { EmptyState } from '@/components/EmptyState';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import { formatQuantity, formatWhole } from '@/lib/decimal';
import { formatCount } from '@/lib/numbers';
import { formatDate } from '@/lib/time';
import styles from './portfolio.module.css';

/** Every day on which something held expires, and what happens to it there. */
export function Calendar({ risk }: { risk: PortfolioRisk }) {
  if (risk.expiries.length === 0) {
    return (
      <div className="panel">
        <EmptyState icon={IconCalendar} title="Nothing expires">
          No option is held in these accounts.
        </EmptyState>
      </div>
    );
  }
  return (
    <Section title="Expiry calendar">
      <ol className={styles.months}>
        {risk.expiries.map((each) => (
          <Day key={each.expiry} expiry={each} currency={risk.currency ?? ''} />
        ))}
      </ol>
    </Section>
  );
}

function Day({ expiry: each, currency }: { expiry: Expiry; currency: string }) {
  return (
    <li className={styles.day} data-soon={each.dte <= 7 || undefined}>
      <div className={styles.dayHead}>
        <span>{formatDate(each.expiry)}</span>
        <span className="numeric">{each.dte < 0 ? 'past' : `${formatCount(each.dte)} d`}</span>
      </div>
      <div className={styles.note}>{each.symbols.join(', ')}</div>
      <div className="numeric">
        {formatQuantity(each.short_contracts)} short · {formatQuantity(each.long_contracts)} long
      </div>
      <div className={`numeric ${styles.note}`}>
        short notional {formatWhole(each.short_notional)} {currency}
      </div>
      {Number(each.short_in_the_money) > 0 && (
        <Tag tone="warn">{formatQuantity(each.short_in_the_money)} in the money</Tag>
      )}
      {Number(each.short_unknown) > 0 && (
        <Tag tone="neutral">{formatQuantity(each.short_unknown)} not priced</Tag>
      )}
    </li>
  );
}
