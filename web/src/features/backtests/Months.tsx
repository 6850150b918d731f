import { PlainTable } from '@/components/PlainTable';
import { formatSignedPercent } from '@/lib/numbers';
import styles from './backtests.module.css';
import { type Curve, yearsOf } from './curves';

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** The return of each month, and of each year. */
export function Months({ curve, start }: { curve: Curve; start: number }) {
  return (
    <PlainTable label="Return of each month" csv="backtest-months">
      <thead>
        <tr>
          <th scope="col">Year</th>
          {MONTHS.map((month) => (
            <th key={month} scope="col" data-numeric>
              {month}
            </th>
          ))}
          <th scope="col" data-numeric>
            Year
          </th>
        </tr>
      </thead>
      <tbody>
        {yearsOf(curve.days, curve.equity, start).map(({ year, months, total }) => (
          <tr key={year}>
            <th scope="row">{year}</th>
            {months.map((value, index) => (
              <Cell key={MONTHS[index]} value={value} />
            ))}
            <Cell value={total} />
          </tr>
        ))}
      </tbody>
    </PlainTable>
  );
}

function Cell({ value }: { value: number | null }) {
  return (
    <td data-numeric className={styles.month} data-sign={Math.sign(value ?? 0)}>
      {value === null ? '' : formatSignedPercent(value)}
    </td>
  );
}
