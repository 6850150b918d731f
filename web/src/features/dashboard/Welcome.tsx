import { Button, Group, Text } from '@mantine/core';
import { IconCircle, IconCircleCheckFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMe } from '@/client/hooks';
import { PageSkeleton } from '@/components/PageSkeleton';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import { Tag } from '@/components/Tag';
import styles from './dashboard.module.css';
import { setupQuery } from './queries';
import { type Step, stepsOf } from './setup';

/** The way from an empty installation to the first decision, by what is really there. */
export function Welcome() {
  const { user, clients } = useMe();
  const query = useQuery(setupQuery);
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
  if (query.isPending) return <PageSkeleton />;
  if (query.data === undefined) {
    return <ProblemNotice error={query.error} onRetry={() => void query.refetch()} />;
  }
  const steps = stepsOf(query.data, user.is_admin);
  const done = steps.filter((step) => step.isDone).length;
  const next = steps.find((step) => !step.isDone);
  if (next === undefined) return null;
  return (
    <Section
      title="Set up the desk"
      aside={
        <Text size="sm" c="dimmed">
          {done} of {steps.length} done
        </Text>
      }
    >
      {query.data.simulated && (
        <Text size="sm" mb="sm">
          <Tag tone="info">DEMO</Tag> Everything here runs on the simulated gateway: a market of its
          own, no broker, no real money. Try whatever you like.
        </Text>
      )}
      <ol className={styles.guide}>
        {steps.map((step) => (
          <Item key={step.title} step={step} isNext={step === next} />
        ))}
      </ol>
    </Section>
  );
}

function Item({ step, isNext }: { step: Step; isNext: boolean }) {
  const Picture = step.isDone ? IconCircleCheckFilled : IconCircle;
  return (
    <li className={styles.guideStep} aria-current={isNext ? 'step' : undefined}>
      <Picture
        size={20}
        aria-hidden
        className={step.isDone ? styles.guideDone : styles.guideOpen}
      />
      <div className={styles.guideWords}>
        <Group gap="xs">
          <Text fw={600} size="sm">
            {step.title}
          </Text>
          {step.isDone && <Tag tone="ok">DONE</Tag>}
          {isNext && <Tag tone="info">NEXT</Tag>}
        </Group>
        <Text size="sm" c="dimmed">
          {step.isDone ? step.found : step.words}
        </Text>
        {isNext && step.link !== null && (
          <Button component={Link} {...(step.link as object)} size="xs" mt={6}>
            {step.action}
          </Button>
        )}
      </div>
    </li>
  );
}
