"""Times as TWS clients write them in orders, conditions and filters."""

from __future__ import annotations

from datetime import UTC, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from infra.simulator.reference import NEW_YORK

END_OF_DAY = time(16, 0)
"""What a date alone means: the close of a full session, exchange time."""

_SHORT_ZONES = {"EST": NEW_YORK, "EDT": NEW_YORK, "EST5EDT": NEW_YORK, "GMT": UTC, "UTC": UTC}


def parse_time(text: str) -> datetime:
    """An instant, aware UTC; ValueError when the text is no TWS time.

    Forms: ``yyyymmdd hh:mm:ss zone``, the same without a zone or seconds (exchange time),
    ``yyyymmdd-hh:mm:ss`` (UTC) and ``yyyymmdd`` (the close of that day).
    """
    day, _, rest = text.strip().partition(" ")
    if "-" in day:
        return datetime.strptime(text.strip(), "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    if not rest:
        date = datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007 (a date)
        return datetime.combine(date, END_OF_DAY, NEW_YORK).astimezone(UTC)
    clock, _, zone = rest.strip().partition(" ")
    form = "%Y%m%d %H:%M:%S" if clock.count(":") > 1 else "%Y%m%d %H:%M"
    moment = datetime.strptime(f"{day} {clock}", form)  # noqa: DTZ007 (the zone follows)
    return moment.replace(tzinfo=_zone(zone.strip())).astimezone(UTC)


def _zone(name: str) -> tzinfo:
    if not name:
        return NEW_YORK
    if name in _SHORT_ZONES:
        return _SHORT_ZONES[name]
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"unknown time zone {name!r}") from None
