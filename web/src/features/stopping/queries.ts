import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given } from '@/client/queries';

export const tradingStatesQuery = queryOptions({
  queryKey: ['stopping', 'states'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/trading-state/', { signal })),
});

export function previewQuery(account: string | undefined) {
  return queryOptions({
    queryKey: ['stopping', 'preview', account],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/kill-switch/preview/', { params: { query: given({ account }) }, signal }),
      ),
  });
}

export function pressingQuery(id: string) {
  return queryOptions({
    queryKey: ['stopping', 'pressing', id],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/kill-switch/{kill_switch_id}/', {
          params: { path: { kill_switch_id: id } },
          signal,
        }),
      ),
  });
}
