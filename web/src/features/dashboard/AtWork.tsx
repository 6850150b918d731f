import type { StrategyAtWork } from '@/client/schema';
import { Moment } from '@/components/Moment';
import { Section } from '@/components/Section';
import { StateTag } from '@/components/Tag';
import { RUN_STATES } from '@/lib/states';
import styles from './dashboard.module.css';

/** The enabled strategies and how their last runs went. */
export function AtWork({ strategies }: { strategies: StrategyAtWork[] }) {
  return (
    <Section title="Strategies at work">
      {strategies.length === 0 ? (
        <p className={styles.nothing}>
          No strategy is enabled for these accounts, so nothing will be recommended.
        </p>
      ) : (
        <ul className={styles.rows}>
          {strategies.map((each) => (
            <li key={each.id}>
              <span>
                <strong>{each.name}</strong>
                <div className={styles.small}>{each.account.label}</div>
              </span>
              <span className={styles.side}>
                {each.last_run_status === null ? (
                  <span className={styles.small}>has not run yet</span>
                ) : (
                  <StateTag state={each.last_run_status} words={RUN_STATES} />
                )}
                {each.last_run_at !== null && (
                  <div className={styles.small}>
                    <Moment at={each.last_run_at} />
                    {each.last_run_errors > 0 && ` · ${each.last_run_errors} errors`}
                  </div>
                )}
              </span>
            </li>
          ))}
        </ul>
      )}
    </Section>
  );
}
