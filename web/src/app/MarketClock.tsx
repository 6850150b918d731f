import { Text, Tooltip } from '@mantine/core';
import { useDesk, useExchangeTimeZone, useMarketReading } from '@/client/hooks';
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
      <Tooltip label="Market time comes from the broker, whose clock has not been read yet.">
        <span>
          <Tag tone="warn">Market time unknown</Tag>
        </span>
      </Tooltip>
    );
  }
  const now = new Date(marketTime(reading, at));
  return (
    <div className={styles.clock}>
      <Tooltip label={`Yours: ${formatMomentInFull(now, localTimeZone())}`}>
        <Text component="time" dateTime={now.toISOString()} className={`numeric ${styles.time}`}>
          <span className={styles.day}>{formatDay(now, timeZone)} </span>
          {formatClock(now, timeZone)}
          <span className={styles.zone}> {zoneName(now, timeZone)}</span>
        </Text>
      </Tooltip>
      <Session isOpen={market.session_open} closesAt={market.session_close_at} />
      {market.rate !== 1 && (
        <Tooltip label="Simulated market time runs faster than real time.">
          <span>
            <Tag tone="warn">×{market.rate}</Tag>
          </span>
        </Tooltip>
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
    <Tooltip label={label}>
      <span>
        <Tag tone={isOpen ? 'ok' : 'neutral'}>{isOpen ? 'OPEN' : 'CLOSED'}</Tag>
      </span>
    </Tooltip>
  );
}
