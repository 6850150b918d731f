import { useMe } from '@/client/hooks';

export interface Owner {
  /** Empty for the whole desk. */
  id: string;
  name: string;
}

/** For whom this person may start a backtest; nobody, where they only look. */
export function useBacktestOwners(): Owner[] {
  const { clients, user } = useMe();
  const own = clients
    .filter((client) => client.role !== 'VIEWER')
    .map(({ id, name }) => ({ id, name }));
  return user.is_admin ? [...own, { id: '', name: 'The whole desk' }] : own;
}
