/** What protects one's own account; nobody else can read it. */
import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';

export const sessionsQuery = queryOptions({
  queryKey: ['account', 'sessions'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/auth/sessions/', { signal })),
});

export const secondFactorQuery = queryOptions({
  queryKey: ['account', 'second factor'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/auth/totp/', { signal })),
});

export const tokensQuery = queryOptions({
  queryKey: ['account', 'tokens'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/auth/tokens/', { signal })),
});

export const channelsQuery = queryOptions({
  queryKey: ['account', 'channels'],
  queryFn: ({ signal }) => answerOf(api.GET('/api/auth/channels/', { signal })),
});

/** A command on one's own account; whatever it protects is read again. */
export function useAccountCommand<Answer, Ask = void>(
  send: (ask: Ask) => Promise<Answer>,
  onDone: (answer: Answer) => void,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: onDone,
    onSettled: () => queries.invalidateQueries({ queryKey: ['account'] }),
  });
}
