"""When an exchange trades: a calendar of sessions as a plain value.

The calendar is data handed in (an adapter reads it from a calendar library), so the domain
never asks what the holidays are, or what time it is.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property


class CalendarRangeError(LookupError):
    """A date or time outside the span a calendar was built for."""


@dataclass(frozen=True, slots=True)
class Session:
    """One regular trading session.

    ``date`` is the exchange's own date; ``open_at`` and ``close_at`` are aware UTC, the session
    being open from ``open_at`` up to but excluding ``close_at``.
    """

    date: date
    open_at: datetime
    close_at: datetime

    def __post_init__(self) -> None:
        if self.open_at.tzinfo is None or self.close_at.tzinfo is None:
            raise ValueError(f"session {self.date}: open and close must be aware datetimes")
        if self.open_at >= self.close_at:
            raise ValueError(f"session {self.date}: it opens before it closes")

    def contains(self, at: datetime) -> bool:
        return self.open_at <= at < self.close_at


@dataclass(frozen=True)
class TradingCalendar:
    """Regular sessions in ascending order; questions outside their span raise CalendarRangeError.

    Weekends and holidays are the dates without a session, early closes have an earlier
    ``close_at``: callers need no other rule.
    """

    sessions: tuple[Session, ...]

    def __post_init__(self) -> None:
        if not self.sessions:
            raise ValueError("a calendar needs at least one session")
        for earlier, later in zip(self.sessions, self.sessions[1:], strict=False):
            if earlier.date >= later.date or earlier.close_at > later.open_at:
                raise ValueError(f"sessions must ascend: {earlier.date} then {later.date}")

    @cached_property
    def _dates(self) -> tuple[date, ...]:
        return tuple(each.date for each in self.sessions)

    @property
    def first_date(self) -> date:
        return self.sessions[0].date

    @property
    def last_date(self) -> date:
        return self.sessions[-1].date

    def is_session(self, day: date) -> bool:
        """Whether the exchange trades on ``day``."""
        self._require_covered(day)
        at = bisect_left(self._dates, day)
        return at < len(self.sessions) and self.sessions[at].date == day

    def session_on(self, day: date) -> Session:
        """The session of ``day``; ValueError when it is not a trading day."""
        self._require_covered(day)
        session = self.sessions[bisect_left(self._dates, day)]
        if session.date != day:
            raise ValueError(f"{day} is not a trading day")
        return session

    def is_open(self, at: datetime) -> bool:
        """Whether a regular session is running at ``at`` (aware)."""
        return self.session_at(at) is not None

    def session_at(self, at: datetime) -> Session | None:
        """The session running at ``at``, or None while the exchange is closed."""
        self._require_covered_time(at)
        session = self.sessions[bisect_right(self.sessions, at, key=_open_of) - 1]
        return session if session.contains(at) else None

    def next_session(self, at: datetime) -> Session:
        """The first session that opens after ``at``."""
        index = bisect_right(self.sessions, at, key=_open_of)
        if at < self.sessions[0].open_at or index == len(self.sessions):
            raise self._out_of_range(at)
        return self.sessions[index]

    def previous_session(self, at: datetime) -> Session:
        """The last session that had closed at or before ``at``."""
        index = bisect_right(self.sessions, at, key=_close_of) - 1
        if index < 0 or at > self.sessions[-1].close_at:
            raise self._out_of_range(at)
        return self.sessions[index]

    def current_or_next_session(self, at: datetime) -> Session:
        return self.session_at(at) or self.next_session(at)

    def sessions_between(self, first: date, last: date) -> tuple[Session, ...]:
        """The sessions dated from ``first`` to ``last``, both included."""
        self._require_covered(first)
        self._require_covered(last)
        start = bisect_left(self._dates, first)
        return self.sessions[start : bisect_right(self._dates, last)]

    def add_sessions(self, day: date, count: int) -> date:
        """The trading day ``count`` sessions after ``day`` (before it when negative).

        From a day without a session, counting starts at the nearest session on the other side:
        one session after a Saturday is Monday, one before it is Friday.
        """
        self._require_covered(day)
        start = bisect_left(self._dates, day)
        if count > 0 and self.sessions[start].date != day:
            start -= 1
        index = start + count
        if not 0 <= index < len(self.sessions):
            raise CalendarRangeError(f"{count} sessions from {day} leave the calendar's span")
        if count == 0 and self.sessions[index].date != day:
            raise ValueError(f"{day} is not a trading day")
        return self.sessions[index].date

    def last_trading_day_on_or_before(self, day: date) -> date:
        """``day`` itself when it trades, else the nearest earlier trading day.

        Options that would expire on a holiday expire on this day.
        """
        self._require_covered(day)
        return self.sessions[bisect_right(self._dates, day) - 1].date

    def _require_covered(self, day: date) -> None:
        if not self.first_date <= day <= self.last_date:
            raise CalendarRangeError(
                f"{day} is outside the calendar ({self.first_date} to {self.last_date})"
            )

    def _require_covered_time(self, at: datetime) -> None:
        if at.tzinfo is None:
            raise ValueError(f"an aware datetime is needed, got {at}")
        if not self.sessions[0].open_at <= at <= self.sessions[-1].close_at:
            raise self._out_of_range(at)

    def _out_of_range(self, at: datetime) -> CalendarRangeError:
        return CalendarRangeError(
            f"{at} is outside the calendar ({self.first_date} to {self.last_date})"
        )


def _open_of(session: Session) -> datetime:
    return session.open_at


def _close_of(session: Session) -> datetime:
    return session.close_at
