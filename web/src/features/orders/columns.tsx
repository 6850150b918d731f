import { Link } from '@tanstack/react-router';
import type { OrderRow } from '@/client/schema';
import { Below } from '@/components/Below';
import { accountColumn, momentColumn, priceColumn, quantityColumn } from '@/components/columnKinds';
import type { Column } from '@/components/columns';
import { OrderPrice } from '@/components/order/OrderPrice';
import rowLink from '@/components/RowLink.module.css';
import { StateTag } from '@/components/Tag';
import { isPackage } from '@/lib/package';
import { ORDER_STATES } from '@/lib/states';

/** The contract of an ordinary order; all legs of a package in words. */
function tradeOf(order: OrderRow): string {
  return isPackage(order.legs) ? order.trade : order.contract.description;
}

/** `Sell`; of a package, whose legs say it themselves, `Package`. */
export function verbOf(order: OrderRow): string {
  if (isPackage(order.legs)) return 'Package';
  return order.side === 'SELL' ? 'Sell' : 'Buy';
}

export function OrderLink({ order }: { order: OrderRow }) {
  return (
    <Link to="/orders/$id" params={{ id: order.id }} className={rowLink.link}>
      {tradeOf(order)}
    </Link>
  );
}

export function RecommendationLink({ order }: { order: OrderRow }) {
  return (
    <Link
      to="/recommendations/$id"
      params={{ id: order.recommendation_id }}
      className={rowLink.other}
    >
      Recommendation
    </Link>
  );
}

export function OrderStateCell({ order }: { order: OrderRow }) {
  return (
    <>
      <StateTag state={order.state} words={ORDER_STATES} />
      {order.state === 'UNKNOWN' && (
        <Below>
          {order.absent_looks} {order.absent_looks === 1 ? 'look' : 'looks'} without a trace
        </Below>
      )}
    </>
  );
}

export const ORDER_COLUMNS: readonly Column<OrderRow>[] = [
  momentColumn('created', 'Created', (order) => order.created_at),
  {
    id: 'state',
    header: 'State',
    kind: 'text',
    value: (order) => order.state,
    cell: (order) => <OrderStateCell order={order} />,
  },
  { id: 'side', header: 'Side', kind: 'text', value: (order) => order.side, isHidden: true },
  {
    id: 'contract',
    header: 'Contract, side, attempt',
    kind: 'text',
    value: tradeOf,
    cell: (order) => (
      <>
        <OrderLink order={order} />
        <Below>
          {verbOf(order)} · attempt {order.attempt}
        </Below>
      </>
    ),
  },
  quantityColumn('quantity', 'Qty', (order) => order.quantity, 'Contracts'),
  quantityColumn(
    'filled',
    'Filled',
    (order) => order.filled_quantity,
    'Contracts, from executions',
  ),
  {
    id: 'limit',
    header: 'Limit',
    hint: 'Price per share',
    kind: 'decimal',
    value: (order) => order.limit_price,
    cell: (order) => <OrderPrice order={order} price={order.limit_price} />,
  },
  {
    id: 'average',
    header: 'Avg. price',
    hint: 'Of the fills, per share',
    kind: 'decimal',
    value: (order) => order.average_price,
    cell: (order) => <OrderPrice order={order} price={order.average_price} />,
  },
  priceColumn('commission', 'Commission', (order) => order.commission_total),
  {
    id: 'attempt',
    header: 'Attempt',
    kind: 'number',
    value: (order) => order.attempt,
    isHidden: true,
  },
  accountColumn(),
  {
    id: 'recommendation',
    header: 'Origin',
    kind: 'text',
    value: (order) => order.recommendation_id,
    cell: (order) => <RecommendationLink order={order} />,
  },
];
