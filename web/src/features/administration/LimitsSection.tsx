import { NativeSelect, Stack, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { ClientRow, LimitScope, StrategyRow } from '@/client/schema';
import { strategiesQuery } from '@/client/strategies';
import { settingsOf } from '@/components/config/settings';
import { PageSkeleton } from '@/components/PageSkeleton';
import { ProblemNotice } from '@/components/ProblemNotice';
import { rowsOf, useAllPages } from '@/components/pages';
import { Section } from '@/components/Section';
import styles from './administration.module.css';
import { InForce } from './InForce';
import { LimitsEditor } from './LimitsEditor';
import { LimitsHistory } from './LimitsHistory';
import { clientsQuery, limitsFormQuery, type Subject, scopeLimitsQuery } from './queries';

interface Choice extends Subject {
  /** Its name in the address. */
  key: string;
  label: string;
  /** Of an account or a strategy, the account whose orders it binds. */
  account?: string;
}

const EVERYBODY = { client: undefined, account: undefined };

const DESK: Choice = { key: 'GLOBAL', scope: 'GLOBAL', owner: undefined, label: 'The whole desk' };

/** How far anything may go: what each scope says, who said so, and what binds an account. */
export function LimitsSection() {
  const clients = useInfiniteQuery(clientsQuery);
  const strategies = useInfiniteQuery(strategiesQuery(EVERYBODY));
  useAllPages(clients, true);
  useAllPages(strategies, true);
  const form = useQuery(limitsFormQuery);
  const choices = useMemo(
    () => choicesOf(rowsOf({ data: clients.data }), rowsOf({ data: strategies.data })),
    [clients.data, strategies.data],
  );
  const chosen = useSearch({ strict: false, select: (search) => search.of });
  const navigate = useNavigate();
  const subject = choices.find((choice) => choice.key === chosen) ?? DESK;
  const settings = useMemo(
    () => (form.data === undefined ? [] : settingsOf(form.data.schema)),
    [form.data],
  );
  const scope = useQuery(scopeLimitsQuery({ scope: subject.scope, owner: subject.owner }));
  const failed = [clients, strategies, form, scope].find((query) => query.isError);
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
          onChange={(event) =>
            void navigate({
              to: '/administration/$section',
              params: { section: 'limits' },
              search: { of: event.currentTarget.value },
              replace: true,
            })
          }
          data={choices.map((choice) => ({ value: choice.key, label: choice.label }))}
        />
      </Section>
      {failed !== undefined && (
        <ProblemNotice error={failed.error} onRetry={() => void failed.refetch()} />
      )}
      {scope.isPending && failed === undefined && <PageSkeleton />}
      {subject.account !== undefined && settings.length > 0 && (
        <InForce
          key={subject.key}
          account={subject.account}
          strategy={subject.scope === 'STRATEGY' ? subject.owner : undefined}
          settings={settings}
        />
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

const WORDS: Record<Exclude<LimitScope, 'GLOBAL'>, string> = {
  CLIENT: 'Client',
  PORTFOLIO: 'Portfolio',
  ACCOUNT: 'Account',
  STRATEGY: 'Strategy',
};

function choicesOf(clients: readonly ClientRow[], strategies: readonly StrategyRow[]): Choice[] {
  const choice = (scope: keyof typeof WORDS, owner: string, name: string): Choice => ({
    key: `${scope}:${owner}`,
    scope,
    owner,
    label: `${WORDS[scope]}: ${name}`,
  });
  const ofAccount = (account: string) =>
    strategies
      .filter((strategy) => strategy.account.id === account)
      .map((strategy) => ({
        ...choice('STRATEGY', strategy.id, `${strategy.name}, ${strategy.account.label}`),
        account,
      }));
  return [
    DESK,
    ...clients.flatMap((client) => [
      choice('CLIENT', client.id, client.name),
      ...client.portfolios.flatMap((portfolio) => [
        choice('PORTFOLIO', portfolio.id, `${client.name}, ${portfolio.name}`),
        ...portfolio.accounts.flatMap((account) => [
          { ...choice('ACCOUNT', account.id, account.label), account: account.id },
          ...ofAccount(account.id),
        ]),
      ]),
    ]),
  ];
}
