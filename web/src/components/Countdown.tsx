import { useExchangeTimeZone, useMarketReading } from '@/client/hooks';
import { secondsLeft, urgencyOf } from '@/lib/marketClock';
import { formatDuration, formatMomentInFull } from '@/lib/time';
import { useTick } from '@/lib/useTick';
import styles from './Countdown.module.css';

/** Seconds until market time reaches `deadline`; null while the market clock is not known. */
export function useSecondsLeft(deadline: string): number | null {
  const reading = useMarketReading();
  const at = useTick();
  return reading === null ? null : secondsLeft(reading, deadline, at);
}

/** Time left to decide, ticking. */
export function Countdown({ deadline }: { deadline: string }) {
  const timeZone = useExchangeTimeZone();
  const seconds = useSecondsLeft(deadline);
  const inFull = formatMomentInFull(new Date(deadline), timeZone);
  if (seconds === null) {
    return (
      <span className="numeric" data-tip={`Until ${inFull}. The market clock is not known yet.`}>
        –
      </span>
    );
  }
  return (
    <span
      className={`numeric ${styles.left}`}
      data-urgency={urgencyOf(seconds)}
      data-tip={`Until ${inFull}, market time`}
    >
      {seconds === 0 ? 'passed' : formatDuration(seconds)}
    </span>
  );
}
