import type { ResultTotal } from '@/client/schema';
import { SignedMoney } from '@/components/Figures';
import { PlainTable } from '@/components/PlainTable';
import { Section } from '@/components/Section';
import { formatCount, formatRoughPercent } from '@/lib/numbers';

/** Results side by side, of strategies or of approvers. */
export function Totals({ title, totals }: { title: string; totals: readonly ResultTotal[] }) {
  return (
    <Section title={title}>
      <PlainTable
        label={`${title}, results`}
        csv={`results-${title.toLowerCase().replaceAll(' ', '-')}`}
        head={[
          'Name',
          { figure: 'Contracts' },
          { figure: 'Won' },
          { figure: 'Realised' },
          { figure: 'Unrealised' },
          'In',
        ]}
      >
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
      </PlainTable>
    </Section>
  );
}
