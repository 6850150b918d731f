import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { LimitScope } from '@/client/schema';
import type { Setting } from '@/components/config/settings';
import { PageSkeleton } from '@/components/PageSkeleton';
import plain from '@/components/PlainTable.module.css';
import { ProblemNotice } from '@/components/ProblemNotice';
import { Section } from '@/components/Section';
import styles from './administration.module.css';
import { limitWords } from './limits';
import { inForceQuery } from './queries';

const SCOPES: { scope: LimitScope; label: string }[] = [
  { scope: 'GLOBAL', label: 'Desk' },
  { scope: 'CLIENT', label: 'Client' },
  { scope: 'PORTFOLIO', label: 'Portfolio' },
  { scope: 'ACCOUNT', label: 'Account' },
];

/** What binds an order of the account, and which scope's word it is. */
export function InForce({ account, settings }: { account: string; settings: readonly Setting[] }) {
  const query = useQuery(inForceQuery(account));
  const limits = new Map(query.data?.limits.map((each) => [each.name, each]));
  return (
    <Section title="What binds this account">
      {query.isPending && <PageSkeleton />}
      {query.isError && <ProblemNotice error={query.error} onRetry={() => void query.refetch()} />}
      {query.data !== undefined && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls needs the keyboard
        <section className={plain.scroll} tabIndex={0} aria-label="Limits in force">
          <table className={plain.table}>
            <thead>
              <tr>
                <th scope="col">Limit</th>
                <th scope="col" data-numeric>
                  In force
                </th>
                {SCOPES.map(({ scope, label }) => (
                  <th key={scope} scope="col" data-numeric>
                    {label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {settings.map((setting) => {
                const limit = limits.get(setting.name);
                if (limit === undefined) return null;
                return (
                  <tr key={setting.name}>
                    <td>
                      {setting.title}
                      <Text size="xs" c="dimmed">
                        {setting.help}
                      </Text>
                    </td>
                    <td data-numeric className={styles.binding}>
                      {limitWords(setting, limit.value)}
                      {limit.sources.length === 0 && (
                        <Text size="xs" c="dimmed">
                          default
                        </Text>
                      )}
                    </td>
                    {SCOPES.map(({ scope }) => (
                      <td key={scope} data-numeric>
                        {scope in limit.said ? (
                          <Said
                            words={limitWords(setting, limit.said[scope])}
                            isBinding={limit.sources.includes(scope)}
                          />
                        ) : (
                          <span className={styles.quiet}>–</span>
                        )}
                      </td>
                    ))}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </section>
      )}
    </Section>
  );
}

function Said({ words, isBinding }: { words: string; isBinding: boolean }) {
  if (!isBinding) return <span className={styles.quiet}>{words}</span>;
  return (
    <>
      <strong>{words}</strong>
      <Text size="xs">binds</Text>
    </>
  );
}
