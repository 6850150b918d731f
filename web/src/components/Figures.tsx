/** Exact decimals on screen: tabular, signed where they are gains or losses. */
import {
  type Decimal,
  formatPrice,
  formatQuantity,
  formatSignedMoney,
  signOf,
} from '@/lib/decimal';
import { NOT_KNOWN } from '@/lib/numbers';

const TONES = { '-1': 'loss', '0': '', '1': 'gain' } as const;

/** A gain or loss with sign and colour. */
export function SignedMoney({ value, unit }: { value: Decimal | null; unit?: string }) {
  if (value === null) return <span className="numeric">{NOT_KNOWN}</span>;
  const suffix = unit === undefined ? '' : ` ${unit}`;
  return (
    <span className={`numeric ${TONES[signOf(value)]}`}>{formatSignedMoney(value) + suffix}</span>
  );
}

export function Price({ value }: { value: Decimal | null }) {
  return <span className="numeric">{value === null ? NOT_KNOWN : formatPrice(value)}</span>;
}

export function Quantity({ value }: { value: Decimal | number | null }) {
  return <span className="numeric">{value === null ? NOT_KNOWN : formatQuantity(value)}</span>;
}
