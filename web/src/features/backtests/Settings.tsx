import type { BacktestDetail, SweepDetail } from '@/client/schema';
import { Facts } from '@/components/Facts';
import { Section } from '@/components/Section';
import styles from './backtests.module.css';
import { flat, settingWords, valueWords } from './words';

const TOLD_ABOVE = new Set(['name', 'client', 'author', 'strategy', 'grid', 'configs']);

/** All that was asked for, so that it can be judged and asked again. */
export function Settings({ run }: { run: BacktestDetail | SweepDetail }) {
  const settings = flat(run.request).filter(([name]) => !TOLD_ABOVE.has(name));
  const own = settings.filter(([name]) => name.startsWith('config.'));
  const other = settings.filter(([name]) => !name.startsWith('config.'));
  const digests =
    'result_digest' in run && run.result_digest !== ''
      ? [
          ['SHA-256 of the data', run.data_digest],
          ['SHA-256 of data and result', run.result_digest],
        ]
      : [];
  return (
    <>
      <Section title="Asked for">
        <Facts
          facts={[
            ...other.map(([name, value]) => ({
              label: settingWords(name),
              value: <span className={styles.value}>{valueWords(value)}</span>,
              isWide: name === 'data' || name === 'side',
            })),
            ...digests.map(([label = '', value = '']) => ({
              label,
              value: <span className={styles.value}>{value}</span>,
              isWide: true,
            })),
          ]}
        />
      </Section>
      {own.length > 0 && (
        <Section title="The strategy’s settings that were given">
          <Facts
            facts={own.map(([name, value]) => ({
              label: settingWords(name),
              value: <span className={styles.value}>{valueWords(value)}</span>,
            }))}
          />
        </Section>
      )}
    </>
  );
}
