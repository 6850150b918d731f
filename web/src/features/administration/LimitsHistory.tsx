import { Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { ChangeTable } from '@/components/config/ChangeTable';
import type { Setting } from '@/components/config/settings';
import { Moment } from '@/components/Moment';
import { Pages } from '@/components/Pages';
import { Section } from '@/components/Section';
import styles from './administration.module.css';
import { limitChanges } from './limits';
import { limitsHistoryQuery, type Subject } from './queries';

/** Who changed which limits of this scope, when and why. */
export function LimitsHistory({
  subject,
  settings,
}: {
  subject: Subject;
  settings: readonly Setting[];
}) {
  const query = useInfiniteQuery(limitsHistoryQuery(subject));
  return (
    <Section title="What it said before">
      <Pages
        query={query}
        empty={<Text size="sm">Nobody has set limits here. There is nothing to undo.</Text>}
      >
        {(versions) => (
          <ol className={styles.versions}>
            {versions.map((version, index) => (
              <li key={version.version}>
                <details open={index === 0}>
                  <summary>
                    Version {version.version} by {version.author},{' '}
                    {version.changed_at !== null && <Moment at={version.changed_at} />}: “
                    {version.reason}”
                  </summary>
                  {(version.version === 1 || versions[index + 1] !== undefined) && (
                    <ChangeTable
                      changes={limitChanges(
                        settings,
                        versions[index + 1]?.limits ?? {},
                        version.limits,
                      )}
                    />
                  )}
                </details>
              </li>
            ))}
          </ol>
        )}
      </Pages>
    </Section>
  );
}
