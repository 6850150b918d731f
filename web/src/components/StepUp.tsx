import { Button, Group, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { ProblemNotice } from '@/components/ProblemNotice';
import { TextField } from '@/components/TextField';

const LONGEST_CODE = 64;

/** Asks a person to prove once more who they are; then what was refused can be confirmed again. */
export default function StepUp() {
  const [typed, setTyped] = useState('');
  const { mutate, error, isError, isPending, isSuccess } = useMutation({
    // The API takes the code where a second factor is set up, else the password.
    mutationFn: () =>
      answerOf(
        api.POST('/api/auth/step-up/', {
          body: { password: typed, code: typed.length > LONGEST_CODE ? null : typed },
        }),
      ),
  });
  if (isSuccess) return <Text fw={600}>That is you. Confirm once more now.</Text>;
  return (
    <>
      {isError && <ProblemNotice error={error} />}
      <Group align="flex-end">
        <TextField
          label="One-time code, or your password where you have none"
          type="password"
          autoComplete="one-time-code"
          value={typed}
          onChange={setTyped}
        />
        <Button
          variant="default"
          loading={isPending}
          disabled={typed === ''}
          onClick={() => mutate()}
        >
          It is me
        </Button>
      </Group>
    </>
  );
}
