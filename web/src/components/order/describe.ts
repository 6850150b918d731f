import type { OrderRow } from '@/client/schema';
import { formatQuantity } from '@/lib/decimal';
import { priceWords } from '@/lib/package';

/** `Sell 2 SPY 18 Dec 2026 640 puts at 4.15, 1 filled`. */
export function describeOrder(order: OrderRow): string {
  const filled = formatQuantity(order.filled_quantity);
  return `${order.trade} at ${priceWords(order.legs, order.limit_price)}, ${filled} filled`;
}
