import { ActionIcon, Button, Stack, Text } from '@mantine/core';
import { IconLogout, IconUserCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { answerOf, api } from '@/client/api';
import { useChosenClient, useMe } from '@/client/hooks';
import { announceProblem } from '@/components/announce';
import styles from './UserMenu.module.css';

const MENU = 'account-menu';

/** Who is signed in, and the way out. */
export function UserMenu() {
  const { user } = useMe();
  const role = useChosenClient()?.role;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const signOut = useMutation({
    mutationFn: () => answerOf(api.POST('/api/auth/logout/')),
    onSuccess: async () => {
      await navigate({ to: '/login' });
      queries.clear();
    },
    onError: announceProblem,
  });
  return (
    <>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={`Account of ${user.name}`}
        popoverTarget={MENU}
      >
        <IconUserCircle size={22} stroke={1.6} aria-hidden />
      </ActionIcon>
      <div id={MENU} popover="auto" className={styles.menu}>
        <Stack gap="sm">
          <div>
            <Text size="sm" fw={600}>
              {user.name}
            </Text>
            <Text size="xs" c="dimmed">
              {user.email}
            </Text>
            <Text size="xs" c="dimmed">
              {user.is_admin ? 'Administrator' : (role ?? 'Role by client')}
            </Text>
          </div>
          <Button component={Link} to="/account" variant="default">
            Your account
          </Button>
          <Button
            variant="default"
            leftSection={<IconLogout size={16} aria-hidden />}
            loading={signOut.isPending}
            onClick={() => signOut.mutate()}
          >
            Sign out
          </Button>
        </Stack>
      </div>
    </>
  );
}
