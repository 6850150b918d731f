import { Tooltip } from '@mantine/core';
import { useExchangeTimeZone } from '@/client/hooks';
import { formatMoment, formatMomentInFull, localTimeZone } from '@/lib/time';

/** A moment in exchange time; the person's own time on hover. */
export function Moment({ at }: { at: string }) {
  const timeZone = useExchangeTimeZone();
  const moment = new Date(at);
  const label = `${formatMomentInFull(moment, timeZone)} · yours: ${formatMomentInFull(moment, localTimeZone())}`;
  return (
    <Tooltip label={label}>
      <time dateTime={at} className="numeric">
        {formatMoment(moment, timeZone)}
      </time>
    </Tooltip>
  );
}
