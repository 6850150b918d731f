import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { RunFindings } from '@/client/schema';
import { Moment } from '@/components/Moment';
import { RemovedBars } from '@/components/opportunity/RemovedBars';
import styles from './Findings.module.css';
import { findingsQuery } from './queries';

interface FindingsProps {
  client: string | undefined;
  strategy: string | undefined;
  run: string | undefined;
}

/** Of each run in view: what it saw, and what became of every contract it looked at. */
export function Findings(filters: FindingsProps) {
  const runs = useQuery(findingsQuery(filters)).data ?? [];
  if (runs.length === 0) return null;
  return (
    <div className={`panel ${styles.runs}`}>
      {runs.map((run) => (
        <Run key={run.run_id} run={run} isOpen={runs.length === 1} />
      ))}
    </div>
  );
}

function Run({ run, isOpen }: { run: RunFindings; isOpen: boolean }) {
  const removed = run.removed.reduce((sum, each) => sum + each.contracts, 0);
  return (
    <details open={isOpen} className={styles.run}>
      <summary>
        <strong>{run.strategy.name}</strong>
        {run.market_at !== null && (
          <>
            {' '}
            · market as of <Moment at={run.market_at} clock="market" />
          </>
        )}{' '}
        · {(removed + run.opportunities).toLocaleString('en-US')} contracts looked at,{' '}
        {run.opportunities} qualify, {run.recommended} recommended
      </summary>
      <div className={styles.inside}>
        {run.no_trade_reason !== null && (
          <Text size="sm" fw={600}>
            {run.no_trade_reason}
          </Text>
        )}
        {run.errors.map((error) => (
          <Text key={error} size="sm" c="var(--danger-fg)">
            {error}
          </Text>
        ))}
        <div className={styles.columns}>
          <RemovedBars removed={run.removed} />
          <ul className={styles.signals}>
            {run.signals.map((signal) => (
              <li key={`${signal.symbol}${signal.kind}${signal.summary}`}>
                {signal.summary.startsWith(signal.symbol) ? '' : `${signal.symbol}: `}
                {signal.summary}
              </li>
            ))}
          </ul>
        </div>
      </div>
    </details>
  );
}
