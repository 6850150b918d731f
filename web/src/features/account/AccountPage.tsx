import { Stack, Text } from '@mantine/core';
import { useMe } from '@/client/hooks';
import { PageTitle } from '@/components/PageTitle';
import styles from './account.module.css';
import { Channels } from './Channels';
import { Password } from './Password';
import { SecondFactor } from './SecondFactor';
import { Sessions } from './Sessions';
import { Tokens } from './Tokens';

/** Your own account: how you prove who you are, and where you are signed in. */
export function AccountPage() {
  const { user, clients } = useMe();
  return (
    <Stack gap="md" className={styles.page}>
      <div>
        <PageTitle>Your account</PageTitle>
        <Text size="sm" c="dimmed">
          {user.name} · {user.email} ·{' '}
          {user.is_admin
            ? 'administrator of this desk'
            : clients.map((client) => `${client.role} for ${client.name}`).join(', ') ||
              'no role for any client yet'}
        </Text>
      </div>
      <SecondFactor />
      <Password />
      <Sessions />
      <Channels />
      <Tokens />
    </Stack>
  );
}
