/** Times are shown in exchange time; the person's own time is offered on hover. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A formatter for each time zone, made once: making one costs a hundred times what using it does. */
function zoned(locale: string, options: Intl.DateTimeFormatOptions) {
  const made = new Map<string, Intl.DateTimeFormat>();
  return (timeZone: string): Intl.DateTimeFormat => {
    let found = made.get(timeZone);
    if (found === undefined) {
      found = new Intl.DateTimeFormat(locale, { ...options, timeZone });
      made.set(timeZone, found);
    }
    return found;
  };
}

const CLOCK = { hour: '2-digit', minute: '2-digit', second: '2-digit' } as const;
const DATE = { day: 'numeric', month: 'short', year: 'numeric' } as const;

const clockIn = zoned('en-GB', CLOCK);
const weekdayIn = zoned('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
const momentIn = zoned('en-GB', { day: 'numeric', month: 'short', ...CLOCK });
const momentInFullIn = zoned('en-GB', { ...DATE, ...CLOCK });
const dateIn = zoned('en-GB', DATE);
const zoneIn = zoned('en-US', { timeZoneName: 'short' });

/** `14:03:11` in `timeZone`. */
export function formatClock(at: Date, timeZone: string): string {
  return clockIn(timeZone).format(at);
}

/** `Fri 18 Dec` in `timeZone`. */
export function formatDay(at: Date, timeZone: string): string {
  return weekdayIn(timeZone).format(at).replace(',', '');
}

/** `18 Dec 14:03:11` in `timeZone`. */
export function formatMoment(at: Date, timeZone: string): string {
  return momentIn(timeZone).format(at).replace(',', '');
}

/** Date, time and zone in full: `18 Dec 2026, 14:03:11 EST`. */
export function formatMomentInFull(at: Date, timeZone: string): string {
  return `${momentInFullIn(timeZone).format(at)} ${zoneName(at, timeZone)}`;
}

/** What people call `timeZone` at that moment: `EST`. */
export function zoneName(at: Date, timeZone: string): string {
  const parts = zoneIn(timeZone).formatToParts(at);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? timeZone;
}

const TRAVEL_MS = 60_000;
let local = { timeZone: '', readAt: Number.NEGATIVE_INFINITY };

/** The person's own. Every time in a table asks; it is read once a minute, for laptops travel. */
export function localTimeZone(): string {
  const now = performance.now();
  if (now - local.readAt >= TRAVEL_MS) {
    local = { timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone, readAt: now };
  }
  return local.timeZone;
}

/** A date of the exchange's calendar, which has no time zone: `18 Dec 2026`. */
export function formatDate(date: string): string {
  return dateIn('UTC').format(new Date(`${date}T00:00:00Z`));
}

/** Time left in the two units that matter: `2 d 3 h`, `1 h 04 min`, `12 min 05 s`, `9 s`. */
export function formatDuration(seconds: number): string {
  const left = Math.max(0, Math.floor(seconds));
  if (left >= DAY) return `${Math.floor(left / DAY)} d ${Math.floor((left % DAY) / HOUR)} h`;
  if (left >= HOUR) return `${Math.floor(left / HOUR)} h ${pad((left % HOUR) / MINUTE)} min`;
  if (left >= MINUTE) return `${Math.floor(left / MINUTE)} min ${pad(left % MINUTE)} s`;
  return `${left} s`;
}

function pad(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}
