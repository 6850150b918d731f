import '@/styles/forms';
import { Button, Checkbox, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answerOf, api } from '@/client/api';
import type { TokenAnswer, TokenScope } from '@/client/schema';
import { announce, announceProblem } from '@/components/announce';
import { CommandForm } from '@/components/CommandForm';
import { Dialog } from '@/components/Dialog';
import { Failure } from '@/components/Failure';
import { Moment } from '@/components/Moment';
import { PageSkeleton } from '@/components/PageSkeleton';
import { Secret } from '@/components/Secret';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import { TextField } from '@/components/TextField';
import styles from './account.module.css';
import { tokensQuery, useAccountCommand } from './queries';

const SCOPES: Record<TokenScope, string> = {
  READ: 'Reads what you may see',
  DECIDE: 'Approves, rejects and cancels where you may',
  OPERATE: 'Acknowledges, sets limits, halts and resolves where you may',
  BACKTEST: 'Starts and cancels backtests where you may',
};
const LIFETIMES = ['7', '30', '90', '180', '366'];

/** What your scripts sign in with: never more than you may do yourself, and less as you choose. */
export function Tokens() {
  const query = useQuery(tokensQuery);
  const [isAdding, setIsAdding] = useState(false);
  const close = () => setIsAdding(false);
  return (
    <Section
      title="API tokens"
      aside={
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => setIsAdding(true)}
        >
          New token
        </Button>
      }
    >
      {query.isPending && <PageSkeleton />}
      <Failure query={query} />
      {query.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          No script acts in your name. A token lets one, within the scopes you give it and for as
          long as you say.
        </Text>
      )}
      <ul className={styles.rows} aria-label="Tokens">
        {query.data?.map((token) => (
          <Token key={token.id} token={token} />
        ))}
      </ul>
      <Dialog isOpen={isAdding} onClose={close} title="New token for a script">
        <NewToken onDone={close} />
      </Dialog>
    </Section>
  );
}

function Token({ token }: { token: TokenAnswer }) {
  const revoke = useAccountCommand(
    () =>
      answerOf(
        api.DELETE('/api/auth/tokens/{token_id}/', { params: { path: { token_id: token.id } } }),
      ),
    () => announce('Token ended', token.name),
  );
  return (
    <li className={styles.row} data-row={token.id}>
      <div>
        <Group gap="xs">
          <Text size="sm" fw={600} className={styles.breakable}>
            {token.name}
          </Text>
          {token.scopes.map((scope) => (
            <Tag key={scope} tone={scope === 'READ' ? 'neutral' : 'warn'}>
              {scope}
            </Tag>
          ))}
        </Group>
        <Text size="xs" c="dimmed" component="div">
          Until <Moment at={token.expires_at} /> ·{' '}
          {token.last_used_at === null ? (
            'never used'
          ) : (
            <>
              last used <Moment at={token.last_used_at} />
            </>
          )}
        </Text>
      </div>
      <Button
        size="xs"
        variant="default"
        loading={revoke.isPending}
        aria-label={`End the token ${token.name}`}
        onClick={() => revoke.mutate(undefined, { onError: announceProblem })}
      >
        End it
      </Button>
    </li>
  );
}

function NewToken({ onDone }: { onDone: () => void }) {
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<TokenScope[]>(['READ']);
  const [days, setDays] = useState('90');
  const create = useAccountCommand(
    () =>
      answerOf(
        api.POST('/api/auth/tokens/', { body: { name: name.trim(), scopes, days: Number(days) } }),
      ),
    () => undefined,
  );
  if (create.data !== undefined) {
    return (
      <Stack>
        <Text>
          Shown this once. The script sends it with every request, as{' '}
          <code>Authorization: Bearer …</code>.
        </Text>
        <Secret label="Token" value={create.data.token} />
        <Group justify="flex-end">
          <Button onClick={onDone}>I have kept it</Button>
        </Group>
      </Stack>
    );
  }
  return (
    <CommandForm
      command={create}
      onSubmit={() => create.mutate()}
      onBack={onDone}
      submit="Make token"
      isReady={name.trim() !== '' && scopes.length > 0}
    >
      <TextField label="What it is for" required maxLength={120} value={name} onChange={setName} />
      <Checkbox.Group
        label="What it may do"
        value={scopes}
        onChange={(chosen) => setScopes(chosen as TokenScope[])}
      >
        <Stack gap="xs" mt="xs">
          {Object.entries(SCOPES).map(([scope, words]) => (
            <Checkbox key={scope} value={scope} label={scope} description={words} />
          ))}
        </Stack>
      </Checkbox.Group>
      <NativeSelect
        label="For how long"
        value={days}
        onChange={(event) => setDays(event.currentTarget.value)}
        data={LIFETIMES.map((each) => ({ value: each, label: `${each} days` }))}
      />
    </CommandForm>
  );
}
