import { Text } from '@mantine/core';
import type { RemovedBy } from '@/client/schema';
import { formatCount } from '@/lib/numbers';
import { ruleName } from '@/lib/rules';
import styles from './RemovedBars.module.css';

/** How many contracts each rule removed; each counts at the first rule that did. */
export function RemovedBars({ removed }: { removed: readonly RemovedBy[] }) {
  const total = removed.reduce((sum, each) => sum + each.contracts, 0);
  const most = Math.max(...removed.map((each) => each.contracts), 1);
  if (total === 0) return null;
  return (
    <div>
      <Text size="sm" mb={6}>
        {formatCount(total)} contracts were left out, each by the first rule it did not meet:
      </Text>
      <ul className={styles.bars}>
        {removed.map(({ rule, contracts }) => (
          <li key={rule}>
            <span>{ruleName(rule)}</span>
            <span className={styles.track} aria-hidden>
              <span style={{ width: `${(100 * contracts) / most}%` }} />
            </span>
            <span className="numeric">{formatCount(contracts)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
