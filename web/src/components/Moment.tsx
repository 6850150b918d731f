import { useExchangeTimeZone, useIsMarketTimeApart } from '@/client/hooks';
import { formatMoment, formatMomentInFull, localTimeZone } from '@/lib/time';
import styles from './Moment.module.css';

interface MomentProps {
  at: string;
  /** Which clock it was read on: the broker's, or that of the machine the desk runs on. */
  clock?: 'market' | 'desk';
}

/**
 * A moment in exchange time; the person's own time on hover. Where a simulated market has a time
 * of its own, the two clocks cannot be compared, so each moment says whose it is.
 */
export function Moment({ at, clock = 'desk' }: MomentProps) {
  const timeZone = useExchangeTimeZone();
  const moment = new Date(at);
  const isApart = useIsMarketTimeApart();
  const whose = isApart ? `${CLOCKS[clock]}: ` : '';
  const label = `${whose}${formatMomentInFull(moment, timeZone)} · yours: ${formatMomentInFull(moment, localTimeZone())}`;
  return (
    <time dateTime={at} data-tip={label}>
      <span className="numeric">{formatMoment(moment, timeZone)}</span>
      {isApart && <span className={styles.clock}> {clock}</span>}
    </time>
  );
}

const CLOCKS = { market: 'The market’s clock', desk: 'The desk’s own clock' } as const;
