import { Text } from '@mantine/core';
import plain from '@/components/PlainTable.module.css';
import { Section } from '@/components/Section';
import { formatCount, formatRoughPercent, formatSignedLevel } from '@/lib/numbers';
import { exitsOf, exitWords, type Stats } from './figures';

/** Which rule, or event, has ended the trades, and what each has brought. */
export function Exits({ stats }: { stats: Stats }) {
  const exits = exitsOf(stats);
  const denials = Object.entries((stats.denials ?? {}) as Record<string, number>);
  return (
    <Section title="What ended the trades">
      {exits.length === 0 ? (
        <Text size="sm">No option trade was opened and ended.</Text>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls needs the keyboard
        <section className={plain.scroll} tabIndex={0} aria-label="Trades by what ended them">
          <table className={plain.table}>
            <thead>
              <tr>
                <th scope="col">Ended by</th>
                <th scope="col" data-numeric>
                  Trades
                </th>
                <th scope="col" data-numeric>
                  Result
                </th>
                <th scope="col" data-numeric>
                  Mean
                </th>
                <th scope="col" data-numeric>
                  Won
                </th>
              </tr>
            </thead>
            <tbody>
              {exits.map(({ rule, trades, result, winRate }) => (
                <tr key={rule}>
                  <td>{exitWords(rule)}</td>
                  <td data-numeric>{formatCount(trades)}</td>
                  <td data-numeric className={result < 0 ? 'loss' : 'gain'}>
                    {formatSignedLevel(result)}
                  </td>
                  <td data-numeric>{formatSignedLevel(result / trades)}</td>
                  <td data-numeric>{formatRoughPercent(winRate)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {denials.length > 0 && (
        <Text size="sm" mt="sm">
          Refused by the controls:{' '}
          {denials.map(([code, count]) => `${code} ${formatCount(count)}×`).join(', ')}.
        </Text>
      )}
    </Section>
  );
}
