import type { OrderRow } from '@/client/schema';
import { formatPrice, formatQuantity } from '@/lib/decimal';

/** `Sell 2 SPY 18 Dec 2026 640 put at 4.15, 1 filled`. */
export function describeOrder(order: OrderRow): string {
  const verb = order.side === 'SELL' ? 'Sell' : 'Buy';
  const quantity = formatQuantity(order.quantity);
  const filled = formatQuantity(order.filled_quantity);
  return `${verb} ${quantity} ${order.contract.description} at ${formatPrice(order.limit_price)}, ${filled} filled`;
}
