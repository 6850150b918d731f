import { Select } from '@mantine/core';
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
    <Select
      aria-label="Account"
      placeholder="All accounts"
      clearable
      w={190}
      value={value ?? null}
      onChange={(account) => onChange(account ?? undefined)}
      data={accounts.map(({ id, label, kind }) => ({
        value: id,
        label: `${label} (${kind})`,
      }))}
    />
  );
}
