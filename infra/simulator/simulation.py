"""Moves market time: prices, matching, opens and closes, in their order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from domain.calendar import TradingCalendar
from infra.simulator.clock import MarketClock
from infra.simulator.exchange import Exchange

PRE_OPEN = timedelta(minutes=5)
MATCH_STEP = timedelta(seconds=5)
LIVE_STEPS = 8
"""At high speeds, working orders look at the market at most this often between two wake-ups."""
MANUAL_STEPS = 2000
"""A long stretch moved by hand is simulated in at most about this many steps."""


class ClosedHours(StrEnum):
    """What becomes of nights, weekends and holidays."""

    SKIP = "skip"
    RUN = "run"


class Simulation:
    """Advances one exchange along its clock."""

    def __init__(
        self,
        exchange: Exchange,
        clock: MarketClock,
        calendar: TradingCalendar,
        closed_hours: ClosedHours,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._calendar = calendar
        self._closed_hours = closed_hours
        self.ticked: list[Callable[[], None]] = []
        """Called after market time has moved."""
        self._resume()
        clock.drive(self.advance)

    def catch_up(self) -> None:
        """Simulate the market time that has passed on the wall."""
        stretch = self._clock.settle()
        self._run(stretch, max(MATCH_STEP, stretch / LIVE_STEPS))

    def advance(self, by: timedelta) -> None:
        """Simulate a stretch of market time at once."""
        self._run(by, max(timedelta(seconds=1), by / MANUAL_STEPS))

    def _run(self, by: timedelta, step_limit: timedelta) -> None:
        target = self._clock.simulated + by
        # A leap over closed hours may end beyond the target: what was left lay in those hours.
        while (now := self._clock.simulated) < target:
            barrier = self._barrier()
            moment = min(target, barrier)
            if self._exchange.has_working_orders:
                moment = min(moment, now + step_limit)
            self._clock.set(moment)
            if moment < barrier:
                self._exchange.match_all(moment - now)
            else:
                self._pass_barrier()
        for listener in self.ticked:
            listener()

    def _pass_barrier(self) -> None:
        """Process the open or close now reached; leap over closed hours if they are skipped."""
        now = self._clock.simulated
        if self._calendar.is_open(now):
            self._exchange.open_session()
            self._set_barrier()
            return
        self._exchange.close_session()
        opening = self._calendar.next_session(now).open_at
        if self._closed_hours is ClosedHours.SKIP:
            self._clock.barrier = None
            self._clock.set(opening - PRE_OPEN)
        self._exchange.start_day()
        self._set_barrier()

    def _resume(self) -> None:
        """Take up where an earlier run stopped, in the middle of an open or a close at worst.

        Both are safe to repeat: what they have done before leaves them nothing to do.
        """
        now = self._clock.simulated
        session = self._calendar.session_at(now)
        if session is not None and session.open_at == now:
            self._exchange.open_session()
        if session is None:
            opening = self._calendar.next_session(now).open_at
            if self._calendar.previous_session(now).close_at == now:
                self._pass_barrier()
            elif self._closed_hours is ClosedHours.SKIP and now < opening - PRE_OPEN:
                self._clock.set(opening - PRE_OPEN)
        self._set_barrier()

    def _barrier(self) -> datetime:
        barrier = self._clock.barrier
        if barrier is None:
            raise RuntimeError("the simulation has no next open or close")
        return barrier

    def _set_barrier(self) -> None:
        now = self._clock.simulated
        session = self._calendar.session_at(now)
        following = session.close_at if session else self._calendar.next_session(now).open_at
        self._clock.barrier = following


def default_start(calendar: TradingCalendar, wall: datetime) -> datetime:
    """Half an hour into the current or next session: 10:00 in New York."""
    session = calendar.current_or_next_session(wall)
    return session.open_at + timedelta(minutes=30)
