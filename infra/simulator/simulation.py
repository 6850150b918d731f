"""Moves market time: prices, matching, and every appointment of the agenda, in their order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum

from domain.calendar import TradingCalendar
from infra.simulator.agenda import Agenda, Appointment, Duty
from infra.simulator.clock import MarketClock
from infra.simulator.exchange import Exchange
from infra.simulator.overnight import Overnight

PRE_OPEN = timedelta(minutes=5)
MATCH_STEP = timedelta(seconds=5)
LIVE_STEPS = 8
"""At high speeds, working orders look at the market at most this often between two wake-ups."""
MANUAL_STEPS = 2000
"""A long stretch moved by hand is simulated in at most about this many steps."""
_DONE = "agenda"


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
        agenda: Agenda | None = None,
        reset: Callable[[], None] = lambda: None,
    ) -> None:
        self._exchange = exchange
        self._clock = clock
        self._calendar = calendar
        self._closed_hours = closed_hours
        self._agenda = agenda or Agenda(calendar)
        self._overnight = Overnight(exchange)
        self._duties: dict[Duty, Callable[[], None]] = {
            Duty.CLOSE: exchange.close_session,
            Duty.ASSIGN: self._overnight.assign,
            Duty.RESET: reset,
            Duty.NEW_DATE: self._overnight.start_date,
            Duty.OPEN: exchange.open_session,
        }
        self.ticked: list[Callable[[], None]] = []
        """Called after market time has moved."""
        self._next = self._resume()
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
            moment = min(target, self._next.at)
            if self._exchange.has_working_orders:
                moment = min(moment, now + step_limit)
            self._clock.set(moment)
            if moment < self._next.at:
                self._exchange.match_all(moment - now)
            else:
                self._keep(self._next)
                self._leap()
        for listener in self.ticked:
            listener()

    def _keep(self, appointment: Appointment) -> None:
        """Do what is due now, once; a gateway killed in between does the rest when it resumes."""
        for duty in appointment.duties:
            self._duties[duty]()
        with self._exchange.ledger.transaction():
            self._exchange.ledger.put(_DONE, appointment.at.isoformat())
            self._exchange.ledger.put("clock", appointment.at.isoformat())
        self._expect(self._agenda.after(appointment.at))

    def _leap(self) -> None:
        """Over closed hours, if they are skipped: what is due in them is done, in its order."""
        if self._closed_hours is ClosedHours.RUN or self._calendar.is_open(self._clock.simulated):
            return
        morning = self._calendar.next_session(self._clock.simulated).open_at - PRE_OPEN
        self._clock.barrier = None
        while self._next.at <= morning:
            self._clock.set(self._next.at)
            self._keep(self._next)
            self._clock.barrier = None
        self._clock.set(max(morning, self._clock.simulated))
        self._expect(self._next)

    def _resume(self) -> Appointment:
        """Take up where an earlier run stopped, in the middle of a night at worst."""
        now = self._clock.simulated
        done = self._exchange.ledger.get(_DONE)
        seen = now - timedelta(seconds=1) if done is None else datetime.fromisoformat(done)
        following = self._agenda.after(seen)
        self._clock.barrier = None
        while following.at <= now:
            self._clock.set(following.at)
            self._keep(following)
            following = self._next
        self._clock.set(now)
        self._expect(following)
        self._leap()
        return self._next

    def _expect(self, appointment: Appointment) -> None:
        self._next = appointment
        self._clock.barrier = appointment.at


def default_start(calendar: TradingCalendar, wall: datetime) -> datetime:
    """Half an hour into the current or next session: 10:00 in New York."""
    session = calendar.current_or_next_session(wall)
    return session.open_at + timedelta(minutes=30)
