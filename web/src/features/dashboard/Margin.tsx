import type { DashboardAccount } from '@/client/schema';
import { AccountCell } from '@/components/AccountCell';
import { Gauge } from '@/components/Gauge';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { formatWhole } from '@/lib/decimal';
import { formatPercentOne } from '@/lib/numbers';
import { TRADING_STATES } from '@/lib/states';
import styles from './dashboard.module.css';

/** How much of each account's equity its margin takes. Margin does not cross accounts. */
export function Margin({ accounts }: { accounts: DashboardAccount[] }) {
  return (
    <Section title="Margin usage">
      <div className={styles.accounts}>
        {accounts.map((each) => (
          <Account key={each.account.id} account={each} />
        ))}
      </div>
    </Section>
  );
}

function Account({ account: each }: { account: DashboardAccount }) {
  return (
    <div>
      <div className={styles.accountHead}>
        <AccountCell account={each.account} />
        <span className={`numeric ${styles.usage}`}>
          {each.trading_state !== 'ACTIVE' && (
            <StateTag state={each.trading_state} words={TRADING_STATES} />
          )}
          {formatPercentOne(each.margin.usage)}
        </span>
      </div>
      <Gauge gauge={each.margin} label={`Margin usage of ${each.account.code}`} />
      <div className={styles.small}>
        {each.as_of === null
          ? 'Not read from the broker yet.'
          : `Excess liquidity ${formatWhole(each.excess_liquidity ?? '0')} ${each.currency}`}
      </div>
    </div>
  );
}
