"""The exchange calendars of the ``exchange_calendars`` library as domain values."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from domain.calendar import Session, TradingCalendar

EXCHANGE_ZONE = ZoneInfo("America/New_York")
FIRST_DAY = date(2015, 1, 1)
LAST_DAY = date(2049, 12, 31)
FIRST_LISTED = date(1990, 1, 1)
"""From when a calendar is built for what is older than the usual one."""
_LEAD = timedelta(days=31)
"""What happens on a day looks a few sessions back."""


@lru_cache(maxsize=4)
def trading_calendar(
    name: str = "XNYS", first: date = FIRST_DAY, last: date = LAST_DAY
) -> TradingCalendar:
    """The regular sessions of an exchange (ISO MIC, default the NYSE), early closes included.

    US equity options trade the NYSE's days and hours; rules of years to come are today's rules.
    """
    # Imported here: the library pulls in pandas, a second that most commands need not spend.
    from exchange_calendars import get_calendar  # noqa: PLC0415
    from pandas import DatetimeIndex  # noqa: PLC0415

    schedule = get_calendar(name, start=first.isoformat(), end=last.isoformat()).schedule
    return TradingCalendar(
        tuple(
            Session(day.date(), opens.to_pydatetime(), closes.to_pydatetime())
            for day, opens, closes in zip(
                schedule.index,
                DatetimeIndex(schedule["open"]),
                DatetimeIndex(schedule["close"]),
                strict=True,
            )
        )
    )


def calendar_since(day: date) -> TradingCalendar:
    """The usual calendar, or a longer one if ``day`` is too early for it."""
    return trading_calendar(first=FIRST_DAY if day - _LEAD >= FIRST_DAY else FIRST_LISTED)


def exchange_date(at: datetime) -> date:
    """The exchange's own date at a moment (New York)."""
    return at.astimezone(EXCHANGE_ZONE).date()
