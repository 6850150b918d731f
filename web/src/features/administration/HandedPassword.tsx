import { Button, Group, Stack, Text } from '@mantine/core';
import type { IssuedPassword } from '@/client/schema';
import { Moment } from '@/components/Moment';
import { Secret } from '@/components/Secret';

/** The password to hand over, shown this once. */
export function HandedPassword({ issued, onDone }: { issued: IssuedPassword; onDone: () => void }) {
  const { user, password } = issued;
  return (
    <Stack>
      <Text>
        Hand {user.name} this password by a way that only they read. It is shown this once; they
        sign in with it and change it to their own.
      </Text>
      <Secret label="Password" value={password} />
      {user.password_expires_at !== null && (
        <Text size="sm" c="dimmed" component="div">
          It opens the desk until <Moment at={user.password_expires_at} />.
        </Text>
      )}
      {user.roles.length === 0 && !user.is_admin && (
        <Text size="sm" fw={600}>
          They see nothing yet: give them a role for a client next.
        </Text>
      )}
      <Group justify="flex-end">
        <Button onClick={onDone}>Done</Button>
      </Group>
    </Stack>
  );
}
