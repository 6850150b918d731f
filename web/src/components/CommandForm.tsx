import { Button, Group, Stack } from '@mantine/core';
import type { UseMutationResult } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, Suspense } from 'react';
import { hasCode } from '@/client/problem';
import { lazyPart } from './lazyPart';
import { ProblemNotice } from './ProblemNotice';

const StepUp = lazyPart(() => import('./StepUp'));

interface CommandFormProps {
  command: Pick<UseMutationResult<unknown, unknown, never>, 'error' | 'isError' | 'isPending'>;
  onSubmit: () => void;
  onBack?: () => void;
  submit: string;
  back?: string;
  /** Whether what is typed makes a request. */
  isReady: boolean;
  isDangerous?: boolean;
  children: ReactNode;
}

/** A command of a person: what is asked, why it was refused, and the proof it may ask for. */
export function CommandForm(props: CommandFormProps) {
  const { command, onSubmit, onBack, submit, back = 'Go back', isReady, children } = props;
  const { isDangerous = false } = props;
  return (
    <form
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        if (isReady) onSubmit();
      }}
    >
      <Stack>
        {children}
        <Refusal error={command.error} isError={command.isError} />
        <Group justify="flex-end">
          {onBack !== undefined && (
            <Button variant="default" onClick={onBack}>
              {back}
            </Button>
          )}
          <Button
            type="submit"
            loading={command.isPending}
            disabled={!isReady}
            {...(isDangerous ? { color: 'red.9' } : {})}
          >
            {submit}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** Why a command was refused; where a fresh proof of identity is wanted, the way to give it. */
export function Refusal({ error, isError }: { error: unknown; isError: boolean }) {
  if (!isError) return null;
  return (
    <>
      <ProblemNotice error={error} />
      {hasCode(error, 'STEP_UP_REQUIRED') && (
        <Suspense>
          <StepUp />
        </Suspense>
      )}
    </>
  );
}
