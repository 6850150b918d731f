import { Text } from '@mantine/core';
import type { StrategyDetail } from '@/client/schema';
import { ChangeTable } from '@/components/config/ChangeTable';
import { changesBetween, settingsOf } from '@/components/config/settings';
import { Moment } from '@/components/Moment';
import styles from './ConfigHistory.module.css';

/** Who changed which settings, when and why. */
export function ConfigHistory({ strategy }: { strategy: StrategyDetail }) {
  const settings = settingsOf(strategy.config_schema);
  const { history } = strategy;
  if (history.length < 2) {
    return <Text size="sm">Its settings were never changed.</Text>;
  }
  return (
    <ol className={styles.versions}>
      {history.slice(0, -1).map((version, index) => (
        <li key={version.version}>
          <details>
            <summary>
              Version {version.version} by {version.author}, <Moment at={version.created_at} />
              {version.reason !== '' && `: “${version.reason}”`}
            </summary>
            <ChangeTable
              changes={changesBetween(settings, history[index + 1]?.config ?? {}, version.config)}
            />
          </details>
        </li>
      ))}
    </ol>
  );
}
