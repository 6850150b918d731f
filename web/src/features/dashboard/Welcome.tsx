import { Text } from '@mantine/core';
import { useDesk, useMe } from '@/client/hooks';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import styles from './dashboard.module.css';

/** The way from an empty installation to the first recommendation. */
export function Welcome() {
  const desk = useDesk();
  const { user, clients } = useMe();
  const isConnected = desk?.gateways.some((each) => each.connection === 'CONNECTED') ?? false;
  const hasAccount = (desk?.accounts.length ?? 0) > 0;
  if (!user.is_admin && clients.length === 0) {
    return (
      <Section title="Welcome to Greenlight">
        <Text>
          You are signed in, but no client has been opened to you yet. Ask an administrator of this
          desk to give you a role for a client; its accounts then appear here by themselves.
        </Text>
      </Section>
    );
  }
  const steps = [
    {
      title: 'Connect a gateway',
      isDone: isConnected,
      words: (
        <>
          The simulated gateway comes with <code>make up</code>: a whole market without a broker and
          without real money. For IBKR, set up a paper gateway first.
        </>
      ),
    },
    {
      title: 'Add a client and an account',
      isDone: hasAccount,
      words: 'Whose money it is, and the account code behind the gateway. Under Administration.',
    },
    {
      title: 'Enable a strategy',
      isDone: false,
      words:
        'Choose its underlyings and how much it may commit. It only ever recommends: each order waits for a person.',
    },
    {
      title: 'Decide the first recommendation',
      isDone: false,
      words: 'It appears under Recommendations with everything needed to approve or reject it.',
    },
  ];
  return (
    <Section title="Set up the desk">
      <ol className={styles.steps}>
        {steps.map((step) => (
          <li key={step.title}>
            <Text fw={600} component="span">
              {step.title}
            </Text>{' '}
            {step.isDone && <Tag tone="ok">DONE</Tag>}
            <Text size="sm" c="dimmed">
              {step.words}
            </Text>
          </li>
        ))}
      </ol>
      <Text size="sm" mt="md">
        An administrator does the first steps under{' '}
        <a href="/admin/" className={styles.link}>
          Administration
        </a>
        .
      </Text>
    </Section>
  );
}
