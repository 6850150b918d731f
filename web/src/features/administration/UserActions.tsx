import { Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { useMe } from '@/client/hooks';
import type { UserRow } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { Dialog } from '@/components/Dialog';
import styles from './administration.module.css';
import { HandedPassword } from './HandedPassword';
import { useCommand } from './useCommand';

interface Act {
  label: string;
  title: string;
  consequence: string;
  isDangerous?: boolean;
  send: () => Promise<unknown>;
}

/** What an administrator can do about a person; each says first what it does. */
export function UserActions({ user }: { user: UserRow }) {
  const [act, setAct] = useState<Act>();
  const [isResetting, setIsResetting] = useState(false);
  const me = useMe().user;
  return (
    <Group gap="xs" className={styles.actions}>
      <Small user={user} label="New password…" onClick={() => setIsResetting(true)} />
      {actsOn(user, me.id === user.id).map((each) => (
        <Small key={each.label} user={user} label={each.label} onClick={() => setAct(each)} />
      ))}
      <Dialog isOpen={act !== undefined} onClose={() => setAct(undefined)} title={act?.title ?? ''}>
        {act !== undefined && <Confirm act={act} user={user} onDone={() => setAct(undefined)} />}
      </Dialog>
      <Dialog
        isOpen={isResetting}
        onClose={() => setIsResetting(false)}
        title={`A new password for ${user.name}?`}
      >
        <ResetPassword user={user} onDone={() => setIsResetting(false)} />
      </Dialog>
    </Group>
  );
}

interface SmallProps {
  user: UserRow;
  label: string;
  onClick: () => void;
}

function Small({ user, label, onClick }: SmallProps) {
  return (
    <Button size="xs" variant="default" aria-label={`${label} ${user.name}`} onClick={onClick}>
      {label}
    </Button>
  );
}

function actsOn(user: UserRow, isMyself: boolean): Act[] {
  const path = { user_id: user.id };
  const change = (body: { is_active?: boolean; is_admin?: boolean }) => () =>
    answerOf(api.PATCH('/api/users/{user_id}/', { params: { path }, body }));
  const acts: (Act | false)[] = [
    user.sessions > 0 && {
      label: 'Sign out…',
      title: `Sign ${user.name} out everywhere?`,
      consequence: 'Every browser is signed out. Their password and their scripts’ tokens stay.',
      send: () => answerOf(api.DELETE('/api/users/{user_id}/sessions/', { params: { path } })),
    },
    user.has_second_factor && {
      label: 'Drop second factor…',
      title: `Drop the second factor of ${user.name}?`,
      consequence:
        'For somebody who lost phone and recovery codes. They are signed out everywhere, and their password alone opens the desk until they set up another.',
      isDangerous: true,
      send: () =>
        answerOf(api.POST('/api/users/{user_id}/reset-second-factor/', { params: { path } })),
    },
    !isMyself &&
      (user.is_active || user.is_admin) && {
        label: user.is_admin ? 'Unmake administrator…' : 'Make administrator…',
        title: user.is_admin
          ? `Take the administration from ${user.name}?`
          : `Make ${user.name} an administrator?`,
        consequence: user.is_admin
          ? 'They keep the roles they hold for clients, and nothing else.'
          : 'They will see every client and may set up users, clients, gateways and limits.',
        isDangerous: !user.is_admin,
        send: change({ is_admin: !user.is_admin }),
      },
    !isMyself && {
      label: user.is_active ? 'Disable…' : 'Enable…',
      title: user.is_active ? `Disable ${user.name}?` : `Enable ${user.name} again?`,
      consequence: user.is_active
        ? 'They are signed out everywhere at once, and their scripts’ tokens end. What they decided stays on record.'
        : 'They may sign in again, with the roles they hold.',
      isDangerous: user.is_active,
      send: change({ is_active: !user.is_active }),
    },
  ];
  return acts.filter((each) => each !== false);
}

function Confirm({ act, user, onDone }: { act: Act; user: UserRow; onDone: () => void }) {
  const command = useCommand(act.send, {
    told: () => ({ title: 'Done, on record', message: user.name }),
    after: onDone,
  });
  return (
    <CommandForm
      command={command}
      onSubmit={() => command.mutate()}
      onBack={onDone}
      submit={act.label.replace('…', '')}
      isReady
      isDangerous={act.isDangerous ?? false}
    >
      <Text>{act.consequence}</Text>
    </CommandForm>
  );
}

function ResetPassword({ user, onDone }: { user: UserRow; onDone: () => void }) {
  const reset = useCommand(
    () =>
      answerOf(
        api.POST('/api/users/{user_id}/reset-password/', {
          params: { path: { user_id: user.id } },
        }),
      ),
    {},
  );
  if (reset.data !== undefined) return <HandedPassword issued={reset.data} onDone={onDone} />;
  return (
    <CommandForm
      command={reset}
      onSubmit={() => reset.mutate()}
      onBack={onDone}
      submit="Make a new password"
      isReady
      isDangerous
    >
      <Text>
        The old password ends, and with it every session and token of theirs. You hand over the new
        one; they change it within three days.
      </Text>
    </CommandForm>
  );
}
