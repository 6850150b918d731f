import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answerOf, api } from '@/client/api';
import type { SessionAnswer } from '@/client/schema';
import { announce, announceProblem } from '@/components/announce';
import { Failure } from '@/components/Failure';
import { Moment } from '@/components/Moment';
import { PageSkeleton } from '@/components/PageSkeleton';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import styles from './account.module.css';
import { browserOf } from './browserOf';
import { sessionsQuery, useAccountCommand } from './queries';

/** Where you are signed in; a browser you do not know can be signed out at once. */
export function Sessions() {
  const query = useQuery(sessionsQuery);
  const others = useAccountCommand(
    () => answerOf(api.DELETE('/api/auth/sessions/', { params: { query: { but_this: true } } })),
    () => announce('Signed out everywhere else', 'Only this browser is signed in.'),
  );
  const hasOthers = query.data?.some((session) => !session.is_current) ?? false;
  return (
    <Section
      title="Where you are signed in"
      aside={
        hasOthers && (
          <Button
            size="xs"
            variant="default"
            loading={others.isPending}
            onClick={() => others.mutate(undefined, { onError: announceProblem })}
          >
            Sign out everywhere else
          </Button>
        )
      }
    >
      {query.isPending && <PageSkeleton />}
      <Failure query={query} />
      <ul className={styles.rows} aria-label="Browsers">
        {query.data?.map((session) => (
          <Browser key={session.id} session={session} />
        ))}
      </ul>
    </Section>
  );
}

function Browser({ session }: { session: SessionAnswer }) {
  const end = useAccountCommand(
    () =>
      answerOf(
        api.DELETE('/api/auth/sessions/{session_id}/', {
          params: { path: { session_id: session.id } },
        }),
      ),
    () => announce('Signed out there', browserOf(session.user_agent)),
  );
  const name = browserOf(session.user_agent);
  return (
    <li className={styles.row} data-row={session.id}>
      <div>
        <Text size="sm" fw={600} component="div">
          {name} {session.is_current && <Tag tone="ok">THIS ONE</Tag>}
        </Text>
        <Text size="xs" c="dimmed" component="div" className={styles.breakable}>
          {session.address || 'address unknown'} · since <Moment at={session.created_at} /> · last
          used <Moment at={session.last_seen_at} />
        </Text>
      </div>
      {!session.is_current && (
        <Button
          size="xs"
          variant="default"
          loading={end.isPending}
          aria-label={`Sign out ${name} at ${session.address}`}
          onClick={() => end.mutate(undefined, { onError: announceProblem })}
        >
          Sign out
        </Button>
      )}
    </li>
  );
}
