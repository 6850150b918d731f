import { useDesk, useExchangeTimeZone, useMarketReading } from '@/client/hooks';
import { Hint } from '@/components/Hint';
import { Tag } from '@/components/Tag';
import { marketTime } from '@/lib/marketClock';
import { formatClock, formatDay, formatMomentInFull, localTimeZone, zoneName } from '@/lib/time';
import { useTick } from '@/lib/useTick';
import styles from './MarketClock.module.css';

/** Market time, as the broker tells it, and whether the session is open. */
export function MarketClock() {
  const market = useDesk()?.market;
  const timeZone = useExchangeTimeZone();
  const reading = useMarketReading();
  const at = useTick();
  if (market === undefined) return null;
  if (reading === null) {
    return (
      <Hint label="Market time comes from the broker, whose clock has not been read yet.">
        <Tag tone="warn">Market time unknown</Tag>
      </Hint>
    );
  }
  const now = new Date(marketTime(reading, at));
  return (
    <div className={styles.clock}>
      <Hint
        label={`Market time ${formatMomentInFull(now, timeZone)} · yours: ${formatMomentInFull(now, localTimeZone())}`}
      >
        <time dateTime={now.toISOString()} className={`numeric ${styles.time}`}>
          <span className={styles.day}>{formatDay(now, timeZone)} </span>
          {formatClock(now, timeZone)}
          <span className={styles.zone}> {zoneName(now, timeZone)}</span>
        </time>
      </Hint>
      <Session isOpen={market.session_open} closesAt={market.session_close_at} />
      {market.rate !== 1 && (
        <Hint label="Simulated market time runs faster than real time. Countdowns show real time.">
          <Tag tone="warn">×{Math.round(market.rate * 10) / 10}</Tag>
        </Hint>
      )}
    </div>
  );
}

function Session({ isOpen, closesAt }: { isOpen: boolean; closesAt: string | null }) {
  const timeZone = useExchangeTimeZone();
  const label =
    isOpen && closesAt !== null
      ? `Session open until ${formatMomentInFull(new Date(closesAt), timeZone)}`
      : `Session ${isOpen ? 'open' : 'closed'}`;
  return (
    <Hint label={label}>
      <Tag tone={isOpen ? 'ok' : 'neutral'}>{isOpen ? 'OPEN' : 'CLOSED'}</Tag>
    </Hint>
  );
}
