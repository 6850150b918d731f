import { Button, Group, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import { refresh } from '@/client/queries';
import { announce } from '@/components/announce';
import { Dialog } from '@/components/Dialog';
import { ProblemNotice } from '@/components/ProblemNotice';

interface CancelButtonProps {
  kind: 'backtest' | 'sweep';
  id: string;
}

const LOST = {
  backtest: 'It leaves no result.',
  sweep: 'Those of its backtests that are done stay; the others leave no result.',
};

/** Stops a backtest or a sweep, in two steps. */
export function CancelButton({ kind, id }: CancelButtonProps) {
  const queries = useQueryClient();
  const [isAsking, asking] = useDisclosure(false);
  const cancel = useMutation({
    mutationFn: async () => {
      if (kind === 'sweep') {
        const params = { path: { sweep_id: id } };
        await answerOf(api.POST('/api/backtests/sweeps/{sweep_id}/cancel/', { params }));
      } else {
        const params = { path: { run_id: id } };
        await answerOf(api.POST('/api/backtests/{run_id}/cancel/', { params }));
      }
    },
    onSuccess: () => {
      asking.close();
      announce('Cancel requested', 'Its workers stop at the next moment of the recording.');
    },
    onSettled: () => void refresh(queries, ['backtests']),
  });
  return (
    <>
      <Button variant="default" onClick={asking.open}>
        Cancel {kind}…
      </Button>
      <Dialog isOpen={isAsking} onClose={asking.close} title={`Cancel this ${kind}?`}>
        <Stack>
          <Text size="sm">The computation stops. {LOST[kind]}</Text>
          {cancel.isError && <ProblemNotice error={cancel.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={asking.close}>
              Let it run
            </Button>
            <Button color="red.9" loading={cancel.isPending} onClick={() => cancel.mutate()}>
              Confirm cancel
            </Button>
          </Group>
        </Stack>
      </Dialog>
    </>
  );
}
