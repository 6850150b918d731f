import { TextInput } from '@mantine/core';
import styles from './DayInput.module.css';

interface DayInputProps {
  /** In front of the day: `Since`. */
  label: string;
  /** What an empty field means, on hover. */
  hint: string;
  value: string | undefined;
  onChange: (day: string | undefined) => void;
}

/** A day of the exchange’s calendar, or none. */
export function DayInput({ label, hint, value, onChange }: DayInputProps) {
  return (
    <TextInput
      type="date"
      aria-label={label}
      data-tip={hint}
      leftSection={<span className={styles.word}>{label}</span>}
      leftSectionWidth={`${label.length * 0.5 + 0.9}rem`}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
    />
  );
}
