import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconShieldCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Secret } from '@/components/Secret';
import { Section } from '@/components/Section';
import { formatCount } from '@/lib/numbers';

/** Walks the chain of hashes: whether every entry is what was written, from the first on. */
export function VerifyChain() {
  const [known, setKnown] = useState('');
  const isHash = /^[0-9a-f]{64}$/.test(known);
  const verify = useMutation({
    mutationFn: () =>
      answerOf(api.POST('/api/audit/verify/', { body: { known_head: isHash ? known : null } })),
  });
  return (
    <Section title="Was anything altered?">
      <Stack gap="sm">
        <Group align="flex-end" gap="sm">
          <TextInput
            label="Hash noted last time"
            description="Optional: proves that nothing was cut off the end since"
            w="min(34rem, 100%)"
            value={known}
            error={known !== '' && !isHash ? '64 digits and letters from a to f' : null}
            onChange={(event) => setKnown(event.currentTarget.value.trim().toLowerCase())}
          />
          <Button
            variant="default"
            leftSection={<IconShieldCheck size={16} aria-hidden />}
            loading={verify.isPending}
            disabled={known !== '' && !isHash}
            onClick={() => verify.mutate()}
          >
            Verify the chain
          </Button>
        </Group>
        <div aria-live="polite">
          {verify.isError && <ProblemNotice error={verify.error} />}
          {verify.data?.broken === null && (
            <Stack gap="xs">
              <Text size="sm" fw={600} className="gain">
                All {formatCount(verify.data.entries)} entries are what was written.
              </Text>
              <Text size="sm">Note this hash for the next time, away from this machine:</Text>
              <Secret label="Hash of the newest link" value={verify.data.head} />
            </Stack>
          )}
          {verify.data !== undefined && verify.data.broken !== null && (
            <Stack gap="xs" role="alert">
              <Text size="sm" fw={650} className="loss">
                The trail is broken: {verify.data.broken}.
              </Text>
              <Text size="sm">
                The {formatCount(verify.data.entries)} entries before it are what was written. Stop
                trading, keep a copy of the database as it is, and find out who could write to it.
              </Text>
            </Stack>
          )}
        </div>
      </Stack>
    </Section>
  );
}
