/** The kinds of columns that most tables have. */
import type { ReactNode } from 'react';
import type { AccountBrief } from '@/client/schema';
import type { Decimal } from '@/lib/decimal';
import { NOT_KNOWN } from '@/lib/numbers';
import { AccountCell } from './AccountCell';
import type { Column } from './columns';
import { Price, Quantity, SignedMoney } from './Figures';
import { Moment } from './Moment';

type Of<Row, Value> = (row: Row) => Value;

function decimalColumn<Row>(
  Show: typeof Price,
  id: string,
  header: string,
  value: Of<Row, Decimal | null>,
  hint: string | undefined,
): Column<Row> {
  return {
    id,
    header,
    ...(hint !== undefined && { hint }),
    kind: 'decimal',
    value,
    cell: (row) => <Show value={value(row)} />,
  };
}

/** An amount that was gained or lost. */
export function moneyColumn<Row>(
  id: string,
  header: string,
  value: Of<Row, Decimal | null>,
  hint?: string,
): Column<Row> {
  return decimalColumn(SignedMoney, id, header, value, hint);
}

/** A price, or an amount without a sign. */
export function priceColumn<Row>(
  id: string,
  header: string,
  value: Of<Row, Decimal | null>,
  hint?: string,
): Column<Row> {
  return decimalColumn(Price, id, header, value, hint);
}

/** Contracts or shares. */
export function quantityColumn<Row>(
  id: string,
  header: string,
  value: Of<Row, Decimal | null>,
  hint?: string,
): Column<Row> {
  return decimalColumn(Quantity, id, header, value, hint);
}

/** A measured number, shown in its own way. */
export function figureColumn<Row>(
  id: string,
  header: string,
  hint: string,
  value: Of<Row, number | null>,
  show: (value: number | null) => string,
): Column<Row> {
  return { id, header, hint, kind: 'number', value, cell: (row) => show(value(row)) };
}

/** A moment by one of the two clocks, or what it says that there is none. */
export function momentColumn<Row>(
  id: string,
  header: string,
  value: Of<Row, string | null>,
  clock: 'market' | 'desk' = 'desk',
  absent: ReactNode = NOT_KNOWN,
): Column<Row> {
  return {
    id,
    header,
    kind: 'text',
    value,
    cell: (row) => {
      const at = value(row);
      return at === null ? absent : <Moment at={at} clock={clock} />;
    },
  };
}

export function accountColumn<Row extends { account: AccountBrief }>(): Column<Row> {
  return {
    id: 'account',
    header: 'Account',
    kind: 'text',
    value: ({ account }) => `${account.label} ${account.kind}`,
    cell: ({ account }) => <AccountCell account={account} />,
  };
}
