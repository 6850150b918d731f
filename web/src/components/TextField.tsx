import { TextInput, type TextInputProps } from '@mantine/core';

interface TextFieldProps extends Omit<TextInputProps, 'onChange'> {
  value: string;
  onChange: (text: string) => void;
}

/** A line of text in a form. */
export function TextField({ onChange, ...input }: TextFieldProps) {
  return <TextInput {...input} onChange={(event) => onChange(event.currentTarget.value)} />;
}

/** What somebody or something is called. */
export function NameField(props: Pick<TextFieldProps, 'value' | 'onChange'>) {
  return <TextField label="Name" required maxLength={120} {...props} />;
}
