/** Times are shown in exchange time; the person's own time is offered on hover. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  let found = formats.get(key);
  if (found === undefined) {
    found = new Intl.DateTimeFormat('en-GB', options);
    formats.set(key, found);
  }
  return found;
}

/** `14:03:11` in `timeZone`. */
export function formatClock(at: Date, timeZone: string): string {
  return format({ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone }).format(at);
}

/** `Fri 18 Dec` in `timeZone`. */
export function formatDay(at: Date, timeZone: string): string {
  return format({ weekday: 'short', day: 'numeric', month: 'short', timeZone })
    .format(at)
    .replace(',', '');
}

/** `18 Dec 14:03:11` in `timeZone`. */
export function formatMoment(at: Date, timeZone: string): string {
  const day = format({ day: 'numeric', month: 'short', timeZone }).format(at);
  return `${day} ${formatClock(at, timeZone)}`;
}

/** Date, time and zone in full: `18 Dec 2026, 14:03:11 EST`. */
export function formatMomentInFull(at: Date, timeZone: string): string {
  const moment = format({
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone,
  }).format(at);
  return `${moment} ${zoneName(at, timeZone)}`;
}

/** What people call `timeZone` at that moment: `EST`. */
export function zoneName(at: Date, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'short' });
  return parts.formatToParts(at).find((part) => part.type === 'timeZoneName')?.value ?? timeZone;
}

export function localTimeZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** A date of the exchange's calendar, which has no time zone: `18 Dec 2026`. */
export function formatDate(date: string): string {
  return format({ day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${date}T00:00:00Z`),
  );
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
