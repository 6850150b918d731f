import type { ResultTotal } from '@/client/schema';
import { SignedMoney } from '@/components/Figures';
import plain from '@/components/PlainTable.module.css';
import { Section } from '@/components/Section';
import { formatCount, formatRoughPercent } from '@/lib/numbers';

/** Results side by side, of strategies or of approvers. */
export function Totals({ title, totals }: { title: string; totals: readonly ResultTotal[] }) {
  return (
    <Section title={title}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls needs the keyboard */}
      <section className={plain.scroll} tabIndex={0} aria-label={`${title}, results`}>
        <table className={plain.table}>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" data-numeric>
                Contracts
              </th>
              <th scope="col" data-numeric>
                Won
              </th>
              <th scope="col" data-numeric>
                Realised
              </th>
              <th scope="col" data-numeric>
                Unrealised
              </th>
              <th scope="col">In</th>
            </tr>
          </thead>
          <tbody>
            {totals.map((total) => (
              <tr key={`${total.id}${total.currency}`}>
                <td>{total.name}</td>
                <td data-numeric>{formatCount(total.contracts)}</td>
                <td data-numeric>
                  {total.ended === 0 ? '' : formatRoughPercent(total.won / total.ended)}
                </td>
                <td data-numeric>
                  <SignedMoney value={total.realised} />
                </td>
                <td data-numeric>
                  <SignedMoney value={total.unrealised} />
                </td>
                <td>{total.currency}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Section>
  );
}
