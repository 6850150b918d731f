import type { ExecutionRow } from '@/client/schema';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import styles from '@/components/PlainTable.module.css';
import { Tag } from '@/components/Tag';
import { formatPrice } from '@/lib/decimal';
import { NOT_KNOWN } from '@/lib/numbers';
import own from './ExecutionsOfOrder.module.css';

/** The fills of one order, with price and commission. */
export function ExecutionsOfOrder({ executions }: { executions: readonly ExecutionRow[] }) {
  if (executions.length === 0) return null;
  return (
    // A region that scrolls must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section className={styles.scroll} tabIndex={0} aria-label="Executions of this order">
      <table className={`${styles.table} ${own.table}`}>
        <thead>
          <tr>
            <th scope="col">Executed</th>
            <th scope="col" data-numeric>
              Quantity
            </th>
            <th scope="col" data-numeric>
              Price
            </th>
            <th scope="col" data-numeric>
              Commission
            </th>
            <th scope="col" data-numeric>
              Realised P&amp;L
            </th>
          </tr>
        </thead>
        <tbody>
          {executions.map((execution) => (
            <tr key={execution.id}>
              <td>
                <Moment at={execution.executed_at} clock="market" />{' '}
                {execution.superseded && <Tag tone="neutral">corrected</Tag>}
              </td>
              <td data-numeric data-label="Quantity">
                <Quantity value={execution.quantity} />
              </td>
              <td data-numeric data-label="Price">
                <Price value={execution.price} />
              </td>
              <td data-numeric data-label="Commission" className="numeric">
                {commissionOf(execution)}
              </td>
              <td data-numeric data-label="Realised P&amp;L">
                <SignedMoney value={execution.realized_pnl} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function commissionOf({ commission, commission_currency }: ExecutionRow): string {
  if (commission === null) return NOT_KNOWN;
  return `${formatPrice(commission)} ${commission_currency ?? ''}`.trim();
}
