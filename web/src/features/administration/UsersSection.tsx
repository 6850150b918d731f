import { Button, Group, Text } from '@mantine/core';
import { IconPlus, IconUsers } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { UserRow } from '@/client/schema';
import { Dialog } from '@/components/Dialog';
import { EmptyState } from '@/components/EmptyState';
import { Moment } from '@/components/Moment';
import { Pages } from '@/components/Pages';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import styles from './administration.module.css';
import { NewUser } from './NewUser';
import { usersQuery } from './queries';
import { Roles } from './Roles';
import { UserActions } from './UserActions';

/** Everybody who may sign in, what each may do, and how to stop them. */
export function UsersSection() {
  const query = useInfiniteQuery(usersQuery);
  const [isAdding, setIsAdding] = useState(false);
  const add = (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsAdding(true)}>
      New user
    </Button>
  );
  return (
    <Section title="Users" aside={add}>
      <Text size="sm" c="dimmed" mb="sm" className={styles.about}>
        A person sees a client, or one portfolio of it, only with a role there. A role for a
        portfolio takes the place of the one for its client, be it more or less. Every change is on
        the audit trail.
      </Text>
      <Pages
        query={query}
        empty={
          <EmptyState icon={IconUsers} title="Nobody yet" action={add}>
            Make the first user; they change the password you hand over to one of their own.
          </EmptyState>
        }
      >
        {(users) => (
          <ul className={styles.things} aria-label="Users">
            {users.map((user) => (
              <User key={user.id} user={user} />
            ))}
          </ul>
        )}
      </Pages>
      <Dialog isOpen={isAdding} onClose={() => setIsAdding(false)} title="New user">
        <NewUser onDone={() => setIsAdding(false)} />
      </Dialog>
    </Section>
  );
}

function User({ user }: { user: UserRow }) {
  return (
    <li className={styles.thing} data-row={user.id} data-off={!user.is_active || undefined}>
      <div className={styles.words}>
        <Group gap="xs">
          <Text component="h3" className={styles.name}>
            {user.name}
          </Text>
          {user.is_admin && <Tag tone="info">ADMINISTRATOR</Tag>}
          {!user.is_active && <Tag tone="danger">DISABLED</Tag>}
          <Tag tone={user.has_second_factor ? 'ok' : 'warn'}>
            {user.has_second_factor ? 'Second factor' : 'Password only'}
          </Tag>
        </Group>
        <Text size="sm" className={styles.breakable}>
          {user.email}
        </Text>
        <Text size="xs" c="dimmed" component="div">
          {user.last_login_at === null ? (
            'Never signed in'
          ) : (
            <>
              Last signed in <Moment at={user.last_login_at} />
            </>
          )}
          {user.sessions > 0 &&
            ` · signed in now in ${user.sessions} ${user.sessions === 1 ? 'browser' : 'browsers'}`}
          {user.password_expires_at !== null && (
            <>
              {' '}
              · has to change the password by <Moment at={user.password_expires_at} />
            </>
          )}
        </Text>
        <Roles user={user} />
      </div>
      <UserActions user={user} />
    </li>
  );
}
