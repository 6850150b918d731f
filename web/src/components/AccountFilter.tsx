import { NativeSelect } from '@mantine/core';
import { useDesk } from '@/client/hooks';

interface AccountFilterProps {
  value: string | undefined;
  onChange: (account: string | undefined) => void;
}

/** Narrows a list to one account of the chosen client. */
export function AccountFilter({ value, onChange }: AccountFilterProps) {
  const accounts = useDesk()?.accounts ?? [];
  if (accounts.length < 2 && value === undefined) return null;
  return (
    <NativeSelect
      aria-label="Account"
      w={190}
      value={value ?? ''}
      onChange={(event) => onChange(event.currentTarget.value || undefined)}
      data={[
        { value: '', label: 'All accounts' },
        ...accounts.map(({ id, label, kind }) => ({ value: id, label: `${label} (${kind})` })),
      ]}
    />
  );
}
