import { Button, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { type Setting, unitWords } from '@/components/config/settings';
import { newKey } from '@/lib/newKey';
import type { FieldsProps } from './BacktestForm';
import styles from './backtests.module.css';
import { FIGURES } from './figures';
import type { Trial } from './form';

const TRIED: readonly Setting['kind'][] = ['whole', 'number', 'decimal', 'choice', 'flag'];

/** Settings to be tried with several values: every combination is a backtest of one sweep. */
export function Trials({
  form,
  change,
  problems,
  settings,
}: FieldsProps & { settings: Setting[] }) {
  const usable = settings.filter((setting) => TRIED.includes(setting.kind));
  const set = (key: string, changes: Partial<Trial>) =>
    change({
      trials: form.trials.map((trial) => (trial.key === key ? { ...trial, ...changes } : trial)),
    });
  const unused = usable.find((each) => !form.trials.some((trial) => trial.setting === each.name));
  const add = () =>
    change({
      trials: [...form.trials, { key: newKey(), setting: unused?.name ?? '', values: '' }],
    });
  return (
    <Stack gap="sm">
      {form.trials.length === 0 && (
        <Text size="sm" c="dimmed">
          Try one setting or more with several values each: every combination is a backtest, and
          their results stand side by side.
        </Text>
      )}
      {form.trials.map((trial) => (
        <div key={trial.key} className={styles.tried}>
          <NativeSelect
            label="Setting"
            value={trial.setting}
            onChange={(event) => set(trial.key, { setting: event.currentTarget.value })}
            data={usable.map((each) => ({ value: each.name, label: each.title }))}
          />
          <TextInput
            label={valuesLabel(usable.find((each) => each.name === trial.setting))}
            placeholder="10, 16, 20"
            value={trial.values}
            onChange={(event) => set(trial.key, { values: event.currentTarget.value })}
            error={problems[`trial.${trial.key}`]}
          />
          <Button
            variant="default"
            onClick={() => change({ trials: form.trials.filter((each) => each.key !== trial.key) })}
          >
            Remove
          </Button>
        </div>
      ))}
      {problems.trials !== undefined && (
        <Text size="sm" c="var(--danger-fg)">
          {problems.trials}
        </Text>
      )}
      <div className={styles.fields}>
        <Button
          variant="default"
          leftSection={<IconPlus size={16} aria-hidden />}
          style={{ justifySelf: 'start' }}
          disabled={unused === undefined}
          onClick={add}
        >
          Try a setting
        </Button>
        {form.trials.length > 0 && (
          <NativeSelect
            label="The best is chosen by"
            value={form.objective}
            onChange={(event) => change({ objective: event.currentTarget.value })}
            data={FIGURES.filter((each) => each.better === 'more').map(({ name, label }) => ({
              value: name,
              label,
            }))}
          />
        )}
      </div>
    </Stack>
  );
}

function valuesLabel(setting: Setting | undefined): string {
  if (setting === undefined) return 'Values, with commas between them';
  const unit = unitWords(setting);
  return `Values${unit === '' ? '' : `, ${unit}`}, with commas between them`;
}
