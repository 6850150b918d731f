import { infiniteQueryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { pageOf, pages } from '@/client/queries';

interface DiscrepancyAsk {
  client: string | undefined;
  account: string | undefined;
  open: boolean | undefined;
}

export function discrepanciesQuery(ask: DiscrepancyAsk) {
  return infiniteQueryOptions({
    // Every confirmed discrepancy raises an alert, whose change notices bring this up to date.
    queryKey: ['alerts', 'discrepancies', ask],
    queryFn: ({ signal, pageParam }) =>
      answerOf(
        api.GET('/api/discrepancies/', {
          params: { query: pageOf(ask, pageParam) },
          signal,
        }),
      ),
    ...pages,
  });
}
