"""What is due at the exchange and the broker by day and by night, in its order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum

from domain.calendar import TradingCalendar
from infra.simulator.reference import NEW_YORK, exchange_date

ASSIGNMENTS_AT = time(20, 0)
MIDNIGHT = time(0, 0)


class Duty(IntEnum):
    """In the order in which those of one instant are done."""

    CLOSE = 1
    """Closing auction, end of day orders, settlement of what expires."""
    ASSIGN = 2
    """Holders exercise early against short American options."""
    RESET = 3
    """Every client is disconnected."""
    NEW_DATE = 4
    """Interest, splits, dividends; a new day for profits, executions and completed orders."""
    OPEN = 5
    """Morning settlements, opening auction; resting orders wake."""


@dataclass(frozen=True, slots=True)
class Appointment:
    at: datetime
    duties: tuple[Duty, ...]


class Agenda:
    """The appointments of a calendar; ``reset_at`` is New York time, None for no reset."""

    def __init__(self, calendar: TradingCalendar, reset_at: time | None = None) -> None:
        self._calendar = calendar
        self._reset_at = reset_at

    def after(self, moment: datetime) -> Appointment:
        """The first appointment later than ``moment``."""
        day = exchange_date(moment)
        while True:
            due = [(at, duty) for at, duty in self._of(day) if at > moment]
            if due:
                first = min(at for at, _ in due)
                return Appointment(first, tuple(sorted(d for at, d in due if at == first)))
            day += timedelta(days=1)

    def _of(self, day: date) -> Iterator[tuple[datetime, Duty]]:
        yield _new_york(day, MIDNIGHT), Duty.NEW_DATE
        if self._reset_at is not None:
            yield _new_york(day, self._reset_at), Duty.RESET
        if self._calendar.is_session(day):
            session = self._calendar.session_on(day)
            yield session.open_at, Duty.OPEN
            yield session.close_at, Duty.CLOSE
            yield _new_york(day, ASSIGNMENTS_AT), Duty.ASSIGN


def _new_york(day: date, at: time) -> datetime:
    return datetime.combine(day, at, tzinfo=NEW_YORK)
