import { useDesk, useMe } from '@/client/hooks';
import type { DeskAccount } from '@/client/schema';

const ROLES: readonly string[] = ['TRADER', 'ADMIN'];

/** The accounts of the chosen client whose strategies this person may change. */
export function useConfigurableAccounts(): DeskAccount[] {
  const { clients } = useMe();
  const accounts = useDesk()?.accounts ?? [];
  const configurable = new Set(
    clients.filter((client) => ROLES.includes(client.role)).map((client) => client.id),
  );
  return accounts.filter((account) => configurable.has(account.client_id));
}
