import '@/styles/forms';
import { NativeSelect, Switch } from '@mantine/core';
import { TextField } from '@/components/TextField';
import type { FieldsProps } from './BacktestForm';
import styles from './backtests.module.css';
import { COMMISSIONS, FILLS, type Form, MARGINS } from './form';

/** The account at the beginning, and the market it trades in. */
export function MarketFields({ form, change, problems }: FieldsProps) {
  return (
    <div className={styles.fields}>
      <TextField
        label="Cash at the beginning"
        inputMode="decimal"
        required
        rightSection="USD"
        rightSectionWidth="3.2rem"
        value={form.cash}
        onChange={(cash) => change({ cash: cash.replaceAll(',', '') })}
        error={problems.cash}
      />
      <NativeSelect
        label="Orders trade"
        value={form.fills}
        onChange={(event) => change({ fills: event.currentTarget.value as Form['fills'] })}
        data={FILLS}
      />
      {form.fills === 'fraction' && (
        <TextField
          label="Part of the way"
          description="0 is the middle, 100 the touch."
          inputMode="decimal"
          rightSection="%"
          value={form.fraction}
          onChange={(fraction) => change({ fraction })}
          error={problems.fraction}
        />
      )}
      <NativeSelect
        label="Commission"
        value={form.commission}
        onChange={(event) =>
          change({ commission: event.currentTarget.value as Form['commission'] })
        }
        data={COMMISSIONS}
      />
      <NativeSelect
        label="Margin"
        value={form.margin}
        onChange={(event) => change({ margin: event.currentTarget.value as Form['margin'] })}
        data={MARGINS}
      />
      <TextField
        label="Seed"
        description="Of chance: early assignments."
        inputMode="numeric"
        value={form.seed}
        onChange={(seed) => change({ seed })}
        error={problems.seed}
      />
      <Switch
        label="No more than the quote’s size"
        description="An order trades at most what is shown; an unknown size limits nothing."
        checked={form.isSizeLimited}
        onChange={(event) => change({ isSizeLimited: event.currentTarget.checked })}
      />
    </div>
  );
}
