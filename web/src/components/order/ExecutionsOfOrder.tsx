import type { ExecutionRow, OrderRow } from '@/client/schema';
import { Price, Quantity, SignedMoney } from '@/components/Figures';
import { Moment } from '@/components/Moment';
import { PlainTable } from '@/components/PlainTable';
import { Tag } from '@/components/Tag';
import { formatPrice } from '@/lib/decimal';
import { NOT_KNOWN } from '@/lib/numbers';
import { isPackage, priceWords } from '@/lib/package';
import own from './ExecutionsOfOrder.module.css';

interface ExecutionsProps {
  executions: readonly ExecutionRow[];
  legs: OrderRow['legs'];
}

/** The fills of one order, with price and commission; of a package also which leg each was of. */
export function ExecutionsOfOrder({ executions, legs }: ExecutionsProps) {
  if (executions.length === 0) return null;
  const hasLegs = isPackage(legs);
  return (
    <PlainTable
      label="Executions of this order"
      className={own.table}
      head={[
        'Executed',
        hasLegs && 'Of',
        { figure: 'Quantity' },
        { figure: 'Price' },
        { figure: 'Commission' },
        { figure: 'Realised P&L' },
      ]}
    >
      <tbody>
        {executions.map((execution) => (
          <tr key={execution.id}>
            <td>
              <Moment at={execution.executed_at} clock="market" />{' '}
              {execution.superseded && <Tag tone="neutral">corrected</Tag>}
            </td>
            {hasLegs && <td data-label="Of">{partOf(execution)}</td>}
            <td data-numeric data-label="Quantity">
              <Quantity value={execution.quantity} />
            </td>
            <td data-numeric data-label="Price">
              {execution.is_package ? (
                priceWords(legs, execution.price)
              ) : (
                <Price value={execution.price} />
              )}
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
    </PlainTable>
  );
}

function partOf({ contract, is_package, side, con_id }: ExecutionRow): string {
  if (is_package) return 'Package';
  return `${side === 'SELL' ? 'Sold' : 'Bought'} ${contract?.description ?? `conId ${con_id}`}`;
}

function commissionOf({ commission, commission_currency }: ExecutionRow): string {
  if (commission === null) return NOT_KNOWN;
  return `${formatPrice(commission)} ${commission_currency ?? ''}`.trim();
}
