import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { given } from '@/client/queries';

interface ChainAsk {
  symbol: string;
  series: string | undefined;
  client: string | undefined;
}

export function chainQuery({ symbol, series, client }: ChainAsk) {
  return queryOptions({
    queryKey: ['chains', 'one', symbol, { series, client }],
    queryFn: ({ signal }) =>
      answerOf(
        api.GET('/api/chains/{symbol}/', {
          params: { path: { symbol }, query: given({ series, client }) },
          signal,
        }),
      ),
  });
}
