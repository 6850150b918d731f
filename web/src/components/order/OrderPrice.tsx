import type { OrderRow } from '@/client/schema';
import { Price } from '@/components/Figures';
import type { Decimal } from '@/lib/decimal';
import { isPackage, priceWords } from '@/lib/package';

interface OrderPriceProps {
  order: Pick<OrderRow, 'legs'>;
  price: Decimal | null;
}

/** A price of an order per share; of a package as a credit or a debit. */
export function OrderPrice({ order, price }: OrderPriceProps) {
  if (price === null || !isPackage(order.legs)) return <Price value={price} />;
  return <span className="numeric">{priceWords(order.legs, price)}</span>;
}
