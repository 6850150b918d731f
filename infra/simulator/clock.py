"""Market time: the wall clock scaled, or moved by hand, and kept across restarts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class MarketClock:
    """Tells market time (aware UTC).

    ``speed`` 1 is real time, N is N times as fast, 0 stands still until :meth:`advance`. Time
    never runs past ``barrier`` (the next open or close) before the simulation has processed it.
    """

    def __init__(self, start: datetime, speed: float, monotonic: Callable[[], float]) -> None:
        if speed < 0:
            raise ValueError(f"speed must not be negative, got {speed}")
        self.speed = speed
        self.barrier: datetime | None = None
        self._base = start.astimezone(UTC)
        self._monotonic = monotonic
        self._wall = monotonic()
        self._advance: Callable[[timedelta], None] | None = None

    def now(self) -> datetime:
        moment = self._base + self.pending()
        return moment if self.barrier is None else min(moment, self.barrier)

    def pending(self) -> timedelta:
        """Market time that has passed on the wall but not been simulated yet."""
        return timedelta(seconds=(self._monotonic() - self._wall) * self.speed)

    def settle(self) -> timedelta:
        """Take the pending time for simulation, and start counting afresh."""
        pending = self.pending()
        self._wall = self._monotonic()
        return pending

    @property
    def simulated(self) -> datetime:
        """The time up to which the market has been simulated."""
        return self._base

    def set(self, moment: datetime) -> None:
        """Move simulated time; only the simulation does this."""
        self._base = moment.astimezone(UTC)

    def drive(self, advance: Callable[[timedelta], None]) -> None:
        """Install what simulates a stretch of market time."""
        self._advance = advance

    def advance(self, by: timedelta) -> None:
        """Simulate ``by`` of market time now (meant for speed 0): prices move, orders match.

        A stretch that ends in skipped closed hours ends in the morning of the next session.
        """
        if by < timedelta(0):
            raise ValueError(f"market time does not run backwards: {by}")
        if self._advance is None:
            raise RuntimeError("the clock is not attached to a running simulation")
        self._advance(by)
