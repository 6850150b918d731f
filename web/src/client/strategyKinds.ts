import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './api';

/** The strategies that an instance or a backtest can be made of. */
export const strategyKindsQuery = queryOptions({
  queryKey: ['strategies', 'kinds'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/strategies/kinds/', { signal })),
});
