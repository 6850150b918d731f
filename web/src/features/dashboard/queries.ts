import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given } from '@/client/queries';

export function dashboardQuery(client: string | undefined) {
  return queryOptions({
    queryKey: ['dashboard', 'now', { client }],
    queryFn: ({ signal }) =>
      answerOf(api.GET('/api/dashboard/', { params: { query: given({ client }) }, signal })),
  });
}

export const setupQuery = queryOptions({
  queryKey: ['setup', 'guide'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/setup/', { signal })),
});
