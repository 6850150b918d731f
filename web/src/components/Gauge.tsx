import type { MarginGauge } from '@/client/schema';
import { formatPercentOne, formatRoughPercent } from '@/lib/numbers';
import styles from './Gauge.module.css';

type Level = 'ok' | 'warn' | 'danger';

export function levelOf({ usage, warning, critical }: MarginGauge): Level | null {
  if (usage === null) return null;
  if (usage >= critical) return 'danger';
  return usage >= warning ? 'warn' : 'ok';
}

/** Margin usage on a line to 100 %, with the warning and the limit that stops new orders marked on it. */
export function Gauge({ gauge, label }: { gauge: MarginGauge; label: string }) {
  const { usage, limit, warning } = gauge;
  const words =
    usage === null
      ? 'Not known: equity is not positive or the account was never read'
      : `${formatPercentOne(usage)} used; warning from ${formatRoughPercent(warning)}, no order beyond ${formatRoughPercent(limit)}`;
  return (
    <div>
      {/* biome-ignore lint/a11y/useSemanticElements: a <meter> cannot carry the marks on it. */}
      <div
        className={styles.track}
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round((usage ?? 0) * 1000) / 10}
        aria-valuetext={words}
      >
        <div
          className={styles.fill}
          data-level={levelOf(gauge) ?? undefined}
          style={{ width: percent(usage ?? 0) }}
        />
        <div className={styles.mark} data-level="warn" style={{ left: percent(warning) }} />
        <div className={styles.mark} style={{ left: percent(limit) }} />
      </div>
      <div className={styles.legend} aria-hidden>
        <span>0%</span>
        <span>
          warning {formatRoughPercent(warning)} · limit {formatRoughPercent(limit)}
        </span>
        <span>100%</span>
      </div>
    </div>
  );
}

function percent(fraction: number): string {
  return `${Math.min(Math.max(fraction, 0), 1) * 100}%`;
}
