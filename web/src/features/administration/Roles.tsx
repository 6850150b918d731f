import { ActionIcon, Button, NativeSelect, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { Role, RoleAnswer, UserRow } from '@/client/schema';
import { CommandForm } from '@/components/CommandForm';
import { Dialog } from '@/components/Dialog';
import { rowsOf } from '@/components/pages';
import styles from './administration.module.css';
import { clientsQuery } from './queries';
import { useCommand } from './useCommand';

const ROLES: Record<Role, string> = {
  VIEWER: 'sees everything, changes nothing',
  APPROVER: 'approves, rejects and cancels',
  TRADER: 'as an approver; also sets up and switches strategies, and halts',
  OPERATOR: 'resolves orders in doubt, accepts figures, sets limits, halts and resumes',
  ADMIN: 'all of it, and the client’s approval rules',
};

/** What a person may do, where; each role can be taken back at once. */
export function Roles({ user }: { user: UserRow }) {
  const [isOpen, dialog] = useDisclosure(false);
  return (
    <>
      <ul className={styles.roles} aria-label={`Roles of ${user.name}`}>
        {user.roles.map((role) => (
          <HeldRole key={role.id} user={user} role={role} />
        ))}
        <li>
          <Button
            size="compact-xs"
            variant="default"
            leftSection={<IconPlus size={13} aria-hidden />}
            aria-label={`Give ${user.name} a role`}
            onClick={dialog.open}
          >
            Role
          </Button>
        </li>
      </ul>
      <Dialog isOpen={isOpen} onClose={dialog.close} title={`A role for ${user.name}`}>
        <GiveRole user={user} onDone={dialog.close} />
      </Dialog>
    </>
  );
}

const whereOf = (role: RoleAnswer) =>
  role.portfolio === null ? role.client : `${role.client}, ${role.portfolio}`;

function HeldRole({ user, role }: { user: UserRow; role: RoleAnswer }) {
  const [isOpen, dialog] = useDisclosure(false);
  const where = whereOf(role);
  const revoke = useCommand(
    () =>
      answerOf(
        api.DELETE('/api/users/{user_id}/roles/{role_id}/', {
          params: { path: { user_id: user.id, role_id: role.id } },
        }),
      ),
    {
      told: () => ({ title: 'Role taken back', message: `${user.name}: ${where}` }),
      after: dialog.close,
    },
  );
  return (
    <li className={styles.role}>
      <span data-tip={`${role.role} ${ROLES[role.role]}`}>
        <strong>{role.role}</strong> {where}
      </span>
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={`Take ${role.role} for ${where} from ${user.name}`}
        onClick={dialog.open}
      >
        <IconX size={13} aria-hidden />
      </ActionIcon>
      <Dialog isOpen={isOpen} onClose={dialog.close} title="Take this role back?">
        <CommandForm
          command={revoke}
          onSubmit={() => revoke.mutate()}
          onBack={dialog.close}
          submit="Take it back"
          isReady
          isDangerous
        >
          <Text>
            {user.name} is no longer {role.role} for {where}, from their next click on.
          </Text>
        </CommandForm>
      </Dialog>
    </li>
  );
}

function GiveRole({ user, onDone }: { user: UserRow; onDone: () => void }) {
  const query = useInfiniteQuery(clientsQuery);
  const clients = rowsOf(query);
  const [chosen, setChosen] = useState('');
  const [portfolio, setPortfolio] = useState('');
  const [role, setRole] = useState<Role>('VIEWER');
  const client = clients.find((each) => each.id === chosen) ?? clients[0];
  const held = user.roles.find(
    (each) => each.client_id === client?.id && (each.portfolio_id ?? '') === portfolio,
  );
  const grant = useCommand(
    (client_id: string) =>
      answerOf(
        api.PUT('/api/users/{user_id}/roles/', {
          params: { path: { user_id: user.id } },
          body: { client_id, portfolio_id: portfolio || null, role },
        }),
      ),
    { told: () => ({ title: 'Role given', message: `${user.name}: ${role}` }), after: onDone },
  );
  return (
    <CommandForm
      command={grant}
      onSubmit={() => client !== undefined && grant.mutate(client.id)}
      onBack={onDone}
      submit={held === undefined ? 'Give role' : 'Replace role'}
      isReady={client !== undefined}
    >
      {query.isSuccess && clients.length === 0 && (
        <Text size="sm">There is no client yet. Set one up under “Clients & accounts” first.</Text>
      )}
      <NativeSelect
        label="Client"
        value={client?.id ?? ''}
        onChange={(event) => {
          setChosen(event.currentTarget.value);
          setPortfolio('');
        }}
        data={clients.map((each) => ({ value: each.id, label: each.name }))}
      />
      <NativeSelect
        label="Where"
        value={portfolio}
        onChange={(event) => setPortfolio(event.currentTarget.value)}
        data={[
          { value: '', label: 'The whole client' },
          ...(client?.portfolios ?? []).map((each) => ({
            value: each.id,
            label: `Portfolio ${each.name} alone`,
          })),
        ]}
      />
      <NativeSelect
        label="Role"
        description={`${role}: ${ROLES[role]}.`}
        value={role}
        onChange={(event) => setRole(event.currentTarget.value as Role)}
        data={Object.keys(ROLES)}
      />
      {held !== undefined && held.role !== role && (
        <Text size="sm">
          Takes the place of {held.role} for {whereOf(held)}.
        </Text>
      )}
    </CommandForm>
  );
}
