import { infiniteQueryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given, PAGE_SIZE } from '@/client/queries';

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
          params: { query: { ...given({ ...ask, cursor: pageParam }), limit: PAGE_SIZE } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next_cursor ?? undefined,
  });
}
