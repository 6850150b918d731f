import type { AccountBrief } from '@/client/schema';
import { AccountBadge, KIND_MEANINGS } from './AccountBadge';
import styles from './AccountCell.module.css';

/** An account by its name, never without the kind of money behind it. */
export function AccountCell({ account }: { account: AccountBrief }) {
  return (
    <span className={styles.account} data-tip={`${account.label}: ${KIND_MEANINGS[account.kind]}.`}>
      <AccountBadge kind={account.kind} />
      <span>{account.label}</span>
    </span>
  );
}
