import { Textarea } from '@mantine/core';

/** As long as the API takes them. */
const LENGTH = 500;

interface NoteFieldProps {
  label: string;
  description?: string;
  required?: boolean;
  value: string;
  onChange: (value: string) => void;
}

/** A sentence or two that are kept on record: a reason, a note. It grows with what is typed. */
export function NoteField({ onChange, ...field }: NoteFieldProps) {
  return (
    <Textarea
      {...field}
      rows={2}
      maxLength={LENGTH}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}
