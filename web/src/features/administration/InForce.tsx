import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { LimitScope } from '@/client/schema';
import type { Setting } from '@/components/config/settings';
import { Failure } from '@/components/Failure';
import { PageSkeleton } from '@/components/PageSkeleton';
import { PlainTable } from '@/components/PlainTable';
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
const STRATEGY = { scope: 'STRATEGY', label: 'Strategy' } as const;

interface InForceProps {
  account: string;
  /** Of one strategy's orders only; any order's without. */
  strategy: string | undefined;
  settings: readonly Setting[];
}

/** What binds an order of the account, and which scope's word it is. */
export function InForce({ account, strategy, settings }: InForceProps) {
  const query = useQuery(inForceQuery(account, strategy));
  const scopes = strategy === undefined ? SCOPES : [...SCOPES, STRATEGY];
  const limits = new Map(query.data?.limits.map((each) => [each.name, each]));
  return (
    <Section
      title={strategy === undefined ? 'What binds this account' : 'What binds this strategy'}
    >
      {query.isPending && <PageSkeleton />}
      <Failure query={query} />
      {query.data !== undefined && (
        <PlainTable label="Limits in force" csv="limits-in-force">
          <thead>
            <tr>
              <th scope="col">Limit</th>
              <th scope="col" data-numeric>
                In force
              </th>
              {scopes.map(({ scope, label }) => (
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
                  {scopes.map(({ scope }) => (
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
        </PlainTable>
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
