import { useMutation, useQueryClient } from '@tanstack/react-query';
import { announce } from '@/components/announce';

interface Told {
  title: string;
  message: string;
}

/** A command of the administration: what it did is told, and everything here is read again. */
export function useCommand<Answer, Ask = void>(
  send: (ask: Ask) => Promise<Answer>,
  done: { told?: (answer: Answer) => Told; after?: (answer: Answer) => void },
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: send,
    onSuccess: (answer) => {
      const told = done.told?.(answer);
      if (told !== undefined) announce(told.title, told.message);
      done.after?.(answer);
    },
    onSettled: () =>
      Promise.all(
        ['setup', 'desk', 'me'].map((root) => queries.invalidateQueries({ queryKey: [root] })),
      ),
  });
}
