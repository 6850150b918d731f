import { QueryClient } from '@tanstack/react-query';
import { isWorthRetrying } from '@/client/api';

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // Change notices say when something is out of date; time alone never does.
        staleTime: Number.POSITIVE_INFINITY,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        networkMode: 'always',
        retry: (failures, error) => failures < 2 && isWorthRetrying(error),
        retryDelay: (failures) => 500 * 2 ** failures,
      },
      // A command is repeated by the person who gave it, never by the browser.
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}
