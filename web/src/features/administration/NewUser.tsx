import '@/styles/forms';
import { Checkbox } from '@mantine/core';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import { CommandForm } from '@/components/CommandForm';
import { NameField, TextField } from '@/components/TextField';
import { HandedPassword } from './HandedPassword';
import { useCommand } from './useCommand';

/** Somebody new: who they are. What they may do is given afterwards, client by client. */
export function NewUser({ onDone }: { onDone: () => void }) {
  const [email, setEmail] = useState('');
  const [name, setName] = useState('');
  const [isAdmin, setIsAdmin] = useState(false);
  const create = useCommand(
    () =>
      answerOf(
        api.POST('/api/users/', {
          body: { email: email.trim(), name: name.trim(), is_admin: isAdmin },
        }),
      ),
    {},
  );
  if (create.data !== undefined) return <HandedPassword issued={create.data} onDone={onDone} />;
  return (
    <CommandForm
      command={create}
      onSubmit={() => create.mutate()}
      onBack={onDone}
      submit="Create user"
      isReady={/^[^@\s]+@[^@\s]+$/.test(email.trim()) && name.trim() !== ''}
    >
      <NameField value={name} onChange={setName} />
      <TextField
        label="E-mail"
        type="email"
        required
        maxLength={254}
        value={email}
        onChange={setEmail}
      />
      <Checkbox
        label="Administers the installation"
        description="Sees every client, sets up users, clients, gateways and the desk’s limits."
        checked={isAdmin}
        onChange={(event) => setIsAdmin(event.currentTarget.checked)}
      />
    </CommandForm>
  );
}
