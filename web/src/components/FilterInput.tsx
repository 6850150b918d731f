import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFilter } from '@tabler/icons-react';
import { type RefObject, useState } from 'react';
import styles from './ListScreen.module.css';

const FILTER_DELAY_MS = 150;

interface FilterInputProps {
  value: string;
  onChange: (filter: string) => void;
  inputRef?: RefObject<HTMLInputElement | null> | undefined;
}

/** Words that rows must contain; `/` leads here. */
export function FilterInput({ value, onChange, inputRef }: FilterInputProps) {
  const [typed, setTyped] = useState(value);
  const [seen, setSeen] = useState(value);
  // The address may change under the field: back button, "Clear the filter".
  if (seen !== value) {
    setSeen(value);
    setTyped(value);
  }
  const tell = useDebouncedCallback(onChange, FILTER_DELAY_MS);
  return (
    <TextInput
      ref={inputRef ?? null}
      aria-label="Filter"
      aria-keyshortcuts="/"
      placeholder="Filter  /"
      className={styles.filter}
      leftSection={<IconFilter size={16} aria-hidden />}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') event.currentTarget.blur();
      }}
    />
  );
}
