import { useMutation, useQueryClient } from '@tanstack/react-query';
import { refresh } from '@/client/queries';
import type { OrderRow } from '@/client/schema';
import { announce } from '@/components/announce';

export interface FormProps {
  order: OrderRow;
  onDone: () => void;
}

/** A command of a person on an order; `said` confirms that the desk took it. */
export function useOrderCommand<T>(
  command: (input: T) => Promise<OrderRow>,
  said: string,
  onDone: () => void,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: command,
    onSuccess: () => {
      announce(said, 'The order shows what became of it.');
      onDone();
    },
    // After a refusal, too, what is on screen may be out of date.
    onSettled: () => void refresh(queries, ['orders', 'recommendations', 'desk']),
  });
}
