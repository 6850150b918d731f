import { NativeSelect, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useChosenClient, useMe } from '@/client/hooks';
import { rememberClient } from '@/lib/rememberedClient';

const ALL = '';

/** Whose money is looked at. Lists only the clients the person may see. */
export function ClientSelector() {
  const { clients } = useMe();
  const chosen = useChosenClient();
  const navigate = useNavigate();

  const choose = (slug: string) => {
    const client = slug === ALL ? undefined : slug;
    rememberClient(client ?? null);
    // The filters of a screen name accounts of the client just left.
    void navigate({ to: '.', search: client === undefined ? { client: undefined } : { client } });
  };

  const only = clients.length === 1 ? clients[0] : undefined;
  if (only !== undefined) {
    return (
      <Text size="sm" fw={600} aria-label={`Client: ${only.name}`} truncate>
        {only.name}
      </Text>
    );
  }
  return (
    <NativeSelect
      aria-label="Client"
      size="sm"
      value={chosen?.slug ?? ALL}
      onChange={(event) => choose(event.currentTarget.value)}
      data={[
        { value: ALL, label: 'All clients' },
        ...clients.map((client) => ({ value: client.slug, label: client.name })),
      ]}
    />
  );
}
