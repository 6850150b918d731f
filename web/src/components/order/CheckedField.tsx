import { Textarea } from '@mantine/core';
import { REASON_LENGTH } from './command';

interface CheckedFieldProps {
  value: string;
  onChange: (text: string) => void;
}

/** What a person looked at before they declared something of an order; it is kept with it. */
export function CheckedField({ value, onChange }: CheckedFieldProps) {
  return (
    <Textarea
      label="What you checked"
      required
      autosize
      minRows={2}
      maxLength={REASON_LENGTH}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
