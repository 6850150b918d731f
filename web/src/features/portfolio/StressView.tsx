import { Text, useComputedColorScheme } from '@mantine/core';
import type { PortfolioRisk } from '@/client/schema';
import { CsvButton } from '@/components/CsvButton';
import { chartTheme } from '@/components/chart/chartTheme';
import { Section } from '@/components/Section';
import { formatPercentOne, formatSignedCount } from '@/lib/numbers';
import styles from './portfolio.module.css';
import { largestOf, shadeOf } from './stress';

/** What sudden moves would do: a table that is a heat map, so its numbers need no other view. */
export function StressView({ risk }: { risk: PortfolioRisk }) {
  const theme = chartTheme(useComputedColorScheme('light') === 'dark');
  const { stress, currency, equity } = risk;
  if (stress === null) return null;
  const largest = largestOf(stress.pnl);
  const { worst } = stress;
  return (
    <Section
      title={`Spot × volatility, ${currency}`}
      aside={
        <CsvButton
          name="stress"
          size="compact-xs"
          cells={() => [
            ['spot', ...stress.vol_shifts.map((shift) => `vol ${shift}`)],
            ...stress.spot_moves.map((move, row) => [
              String(move),
              ...stress.vol_shifts.map((_, column) => String(stress.pnl[row]?.[column] ?? '')),
            ]),
          ]}
        />
      }
    >
      <Text size="sm" c="dimmed" mb="sm">
        Profit or loss if every underlying moves at once. Worst: {formatSignedCount(worst.pnl)} (
        {formatPercentOne(worst.pnl / Number(equity))} of equity) at spot {percent(worst.spot_move)}{' '}
        and volatility {percent(worst.vol_shift)}. Volatility shifts are relative.
      </Text>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section className={styles.scroll} aria-label="Stress grid" tabIndex={0}>
        <table className={styles.heat}>
          <thead>
            <tr>
              <th scope="col">Spot</th>
              {stress.vol_shifts.map((shift) => (
                <th key={shift} scope="col" style={{ textAlign: 'right' }}>
                  Vol {percent(shift)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {stress.spot_moves.map((move, row) => (
              <tr key={move}>
                <th scope="row">{percent(move)}</th>
                {stress.vol_shifts.map((shift, column) => {
                  const pnl = stress.pnl[row]?.[column] ?? 0;
                  const shade = shadeOf(pnl, largest, theme.diverging.length);
                  return (
                    <td
                      key={shift}
                      data-worst={
                        (move === worst.spot_move && shift === worst.vol_shift) || undefined
                      }
                      style={{
                        background: theme.diverging[shade],
                        color: inkOn(shade, theme.diverging.length, theme.isDark),
                      }}
                    >
                      {formatSignedCount(pnl)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Section>
  );
}

/** Ink that reads on the shade: the outer colours are strong in both themes. */
function inkOn(shade: number, steps: number, isDark: boolean): string {
  const distance = Math.abs(shade - (steps - 1) / 2);
  if (isDark) return distance >= 3 ? '#0d1117' : '#f4f6f8';
  return distance >= 3 ? '#ffffff' : '#12171e';
}

function percent(fraction: number): string {
  return `${formatSignedCount(Math.round(fraction * 100))}%`;
}
