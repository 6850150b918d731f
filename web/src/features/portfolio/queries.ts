import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given } from '@/client/queries';

export function portfolioRiskQuery(client: string | undefined, account: string | undefined) {
  return queryOptions({
    queryKey: ['portfolio', 'risk', { client, account }],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/portfolio-risk/', { params: { query: given({ client, account }) }, signal }),
      ),
  });
}
