import { queryOptions } from '@tanstack/react-query';
import { answerOf, api } from './api';

/** The underlyings whose chain was recorded. */
export const recordedChainsQuery = queryOptions({
  queryKey: ['chains', 'recorded'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/chains/', { signal })),
});
