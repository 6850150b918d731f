import { Text } from '@mantine/core';
import { PlainTable } from '@/components/PlainTable';
import { Section } from '@/components/Section';
import { formatCount, formatRoughPercent, formatSignedLevel } from '@/lib/numbers';
import { stateWord } from '@/lib/states';
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
        <PlainTable
          label="Trades by what ended them"
          csv="backtest-exits"
          head={[
            'Ended by',
            { figure: 'Trades' },
            { figure: 'Result' },
            { figure: 'Mean' },
            { figure: 'Won' },
          ]}
        >
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
        </PlainTable>
      )}
      {denials.length > 0 && (
        <Text size="sm" mt="sm">
          Refused by the controls:{' '}
          {denials
            .map(([code, count]) => `${stateWord(code).toLowerCase()} ${formatCount(count)}×`)
            .join(', ')}
          .
        </Text>
      )}
    </Section>
  );
}
