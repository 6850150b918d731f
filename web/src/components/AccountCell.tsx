import type { AccountBrief } from '@/client/schema';
import { AccountBadge } from './AccountBadge';
import styles from './AccountCell.module.css';

/** An account by its name, never without the kind of money behind it. */
export function AccountCell({ account }: { account: AccountBrief }) {
  return (
    <span className={styles.account}>
      <AccountBadge kind={account.kind} label={account.code} />
      <span>{account.label || account.code}</span>
    </span>
  );
}
