"""Dates and moments as vendors write them, as numbers."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from domain.backtest.recorded import EPOCH_MOMENT, moment_at
from domain.backtest.side_data import EPOCH, day_number
from domain.calendar import Session, TradingCalendar
from infra.calendars import (
    EXCHANGE_ZONE,
    FIRST_LISTED,
    LAST_DAY,
    calendar_since,
    exchange_date,
)
from infra.history.layouts import CANONICAL, Layout

US_DATE = "%m/%d/%Y"
US_TIMES = ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M")
USUAL_CLOSE = time(16)
MICROSECOND = timedelta(microseconds=1)
LAST_MINUTE = timedelta(minutes=1)
END_OF_DAY = timedelta(minutes=45)
"""How long after the close a quote still is the session's last, as vendors stamp it."""
RIGHTS = {"C": 1, "CALL": 1, "P": 0, "PUT": 0}


class Times:
    """Moments and sessions by the exchange's calendar."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self.calendar = calendar

    def moment(self, text: str, layout: Layout) -> int | None:
        """Microseconds since 1970-01-01 UTC; None where it is no moment in this layout.

        A bare date is the end of its session. So is a moment at or shortly after the close, which
        stands for the last quotes: a minute before the close one could still trade on them.
        """
        day = day_told(text, layout)
        if day is not None and not is_listed(day):
            return None
        if day is not None:
            return micros_of(self._close(day) - timedelta(minutes=layout.minutes_before_close))
        at = _iso_time(text) if not layout.us_dates else _us_time(text)
        if at is None or (at.tzinfo is None and layout.name == CANONICAL.name):
            return None
        if not is_listed(at.date()):
            return None
        at = at.replace(tzinfo=EXCHANGE_ZONE) if at.tzinfo is None else at
        return self.before_close(micros_of(at))

    def before_close(self, at: int) -> int:
        """``at``, or the last minute of the session whose last quotes it stands for."""
        close = micros_of(self._close(exchange_date(moment_at(at))))
        is_after = close <= at <= close + END_OF_DAY // MICROSECOND
        return close - LAST_MINUTE // MICROSECOND if is_after else at

    def session_on(self, day: date) -> Session | None:
        self._cover(day)
        return self.calendar.session_on(day) if self.calendar.is_session(day) else None

    def is_session(self, day: date) -> bool:
        return self.session_on(day) is not None

    def last_session(self, number: int) -> int:
        """The last session on or before a day; both as days since 1970-01-01."""
        day = EPOCH + timedelta(days=number)
        self._cover(day)
        return day_number(self.calendar.last_trading_day_on_or_before(day))

    def next_session(self, day: date) -> date:
        """The first session after ``day``."""
        self._cover(day)
        return self.calendar.add_sessions(day, 1)

    def _close(self, day: date) -> datetime:
        session = self.session_on(day)
        return session.close_at if session else datetime.combine(day, USUAL_CLOSE, EXCHANGE_ZONE)

    def _cover(self, day: date) -> None:
        if day < self.calendar.first_date:
            self.calendar = calendar_since(day)


def micros_of(at: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (at - EPOCH_MOMENT) // MICROSECOND


def day_told(text: str, layout: Layout) -> date | None:
    """The date that ``text`` is, no time being said; None where it is something else."""
    return _us_date(text) if layout.us_dates else _iso_date(text)


def is_listed(day: date) -> bool:
    """Whether the exchange's calendar reaches so far; a date beyond it is a mistake."""
    return FIRST_LISTED <= day <= LAST_DAY


def parse_date(text: str, layout: Layout) -> int | None:
    """An expiry as days since 1970-01-01."""
    day = day_told(text, layout)
    return None if day is None or not is_listed(day) else day_number(day)


def parse_right(text: str) -> int | None:
    """1 for a call, 0 for a put."""
    return RIGHTS.get(text.upper())


def _iso_date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _iso_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _us_date(text: str) -> date | None:
    at = _by_formats(text, (US_DATE,))
    return None if at is None else at.date()


def _us_time(text: str) -> datetime | None:
    return _by_formats(text, US_TIMES)


def _by_formats(text: str, formats: tuple[str, ...]) -> datetime | None:
    for each in formats:
        try:
            return datetime.strptime(text, each)  # noqa: DTZ007  # the caller knows the zone
        except ValueError:
            continue
    return None
