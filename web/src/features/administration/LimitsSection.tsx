import { NativeSelect, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { ClientRow, LimitScope } from '@/client/schema';
import { settingsOf } from '@/components/config/settings';
import { PageSkeleton } from '@/components/PageSkeleton';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import styles from './administration.module.css';
import { InForce } from './InForce';
import { LimitsEditor } from './LimitsEditor';
import { LimitsHistory } from './LimitsHistory';
import { clientsQuery, limitsFormQuery, type Subject, scopeLimitsQuery } from './queries';

interface Choice extends Subject {
  key: string;
  label: string;
}

const DESK: Choice = { key: 'GLOBAL', scope: 'GLOBAL', owner: undefined, label: 'The whole desk' };

/** How far anything may go: what each scope says, who said so, and what binds an account. */
export function LimitsSection() {
  const clients = useInfiniteQuery(clientsQuery);
  const form = useQuery(limitsFormQuery);
  const choices = useMemo(
    () => choicesOf(clients.data?.pages.flatMap((page) => page.items) ?? []),
    [clients.data],
  );
  const [chosen, setChosen] = useState(DESK.key);
  const subject = choices.find((choice) => choice.key === chosen) ?? DESK;
  const settings = useMemo(
    () => (form.data === undefined ? [] : settingsOf(form.data.schema)),
    [form.data],
  );
  const scope = useQuery(scopeLimitsQuery({ scope: subject.scope, owner: subject.owner }));
  const failed = [clients, form, scope].find((query) => query.isError);
  return (
    <Stack gap="md">
      <Section title="Limits">
        <Text size="sm" className={styles.about} mb="md">
          The desk, a client, a portfolio, an account and a strategy can each set limits. The
          tightest word binds: a narrower scope can only tighten what a wider one says. What nobody
          sets is at its default. A change holds from the next judgement of an order on.
        </Text>
        <NativeSelect
          label="Whose limits"
          maw={420}
          value={subject.key}
          onChange={(event) => setChosen(event.currentTarget.value)}
          data={choices.map((choice) => ({ value: choice.key, label: choice.label }))}
        />
      </Section>
      {failed !== undefined && (
        <ProblemNotice error={failed.error} onRetry={() => void failed.refetch()} />
      )}
      {scope.isPending && failed === undefined && <PageSkeleton />}
      {subject.scope === 'ACCOUNT' && subject.owner !== undefined && settings.length > 0 && (
        <InForce key={subject.key} account={subject.owner} settings={settings} />
      )}
      {scope.data !== undefined && form.data !== undefined && (
        <>
          <LimitsEditor
            key={subject.key}
            subject={subject}
            said={scope.data}
            settings={settings}
            defaults={form.data.defaults}
          />
          <LimitsHistory
            subject={{ scope: subject.scope, owner: subject.owner }}
            settings={settings}
          />
        </>
      )}
    </Stack>
  );
}

const WORDS: Record<Exclude<LimitScope, 'GLOBAL' | 'STRATEGY'>, string> = {
  CLIENT: 'Client',
  PORTFOLIO: 'Portfolio',
  ACCOUNT: 'Account',
};

function choicesOf(clients: readonly ClientRow[]): Choice[] {
  const choice = (scope: keyof typeof WORDS, owner: string, name: string): Choice => ({
    key: `${scope} ${owner}`,
    scope,
    owner,
    label: `${WORDS[scope]}: ${name}`,
  });
  return [
    DESK,
    ...clients.flatMap((client) => [
      choice('CLIENT', client.id, client.name),
      ...client.portfolios.flatMap((portfolio) => [
        choice('PORTFOLIO', portfolio.id, `${client.name}, ${portfolio.name}`),
        ...portfolio.accounts.map((account) => choice('ACCOUNT', account.id, account.label)),
      ]),
    ]),
  ];
}
