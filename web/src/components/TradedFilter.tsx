import { TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useState } from 'react';
import { DayInput } from './DayInput';

export interface Traded {
  /** The underlying's. */
  symbol?: string;
  /** Days of the exchange’s calendar, both included. */
  since?: string;
  until?: string;
}

interface TradedFilterProps {
  value: Traded;
  onChange: (changes: { [K in keyof Traded]: Traded[K] | undefined }) => void;
}

const TYPING_MS = 300;
const LONGEST_SYMBOL = 16;

/** Narrows a list of what was traded to an underlying and some days. */
export function TradedFilter({ value, onChange }: TradedFilterProps) {
  const { symbol = '' } = value;
  const [typed, setTyped] = useState(symbol);
  const [seen, setSeen] = useState(symbol);
  // The address may change under the field: back button, "Show all".
  if (seen !== symbol) {
    setSeen(symbol);
    setTyped(symbol);
  }
  const tell = useDebouncedCallback(
    (next: string) => onChange({ symbol: next || undefined }),
    TYPING_MS,
  );
  return (
    <>
      <TextInput
        aria-label="Underlying"
        placeholder="Underlying"
        w={110}
        maxLength={LONGEST_SYMBOL}
        value={typed}
        onChange={(event) => {
          const next = event.currentTarget.value.toUpperCase().trim();
          setTyped(next);
          tell(next);
        }}
      />
      <DayInput
        label="From"
        hint="The first day that is listed; all before if empty"
        value={value.since}
        onChange={(since) => onChange({ since })}
      />
      <DayInput
        label="To"
        hint="The last day that is listed"
        value={value.until}
        onChange={(until) => onChange({ until })}
      />
    </>
  );
}
