import { Moment } from './Moment';
import styles from './Timeline.module.css';

export interface TimelineStep {
  key: string;
  at: string;
  title: string;
  detail: string;
}

/** What happened, oldest first. */
export function Timeline({ steps }: { steps: readonly TimelineStep[] }) {
  return (
    <ol className={styles.timeline}>
      {steps.map((step) => (
        <li key={step.key} className={styles.step}>
          <div className={styles.title}>{step.title}</div>
          {step.detail !== '' && <div className={styles.detail}>{step.detail}</div>}
          <div className={styles.at}>
            <Moment at={step.at} />
          </div>
        </li>
      ))}
    </ol>
  );
}
