"""Sudden moves of the synthetic market: drawn from the seed, announced, or written into a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from domain.calendar import Session, TradingCalendar
from infra.simulator.market_events import (
    ANNOUNCEMENT_MONTHS,
    ANNOUNCEMENT_MOVE,
    EVERYTHING,
    MarketEvents,
)
from infra.simulator.reference import UNDERLYINGS, Underlying

FloatArray = npt.NDArray[np.float64]

MARKET_JUMPS_PER_YEAR, MARKET_JUMP_MEAN, MARKET_JUMP_STDEV = 3.0, -0.012, 0.012
"""Poisson; log moves of the broad market, in which others share by their exposure."""
SINGLE_JUMPS_PER_YEAR, SINGLE_JUMP_STDEV = 3.0, 0.1
"""Poisson for each stock; a log move in units of its annualised volatility."""
SESSIONS_PER_YEAR = 252
_JUMPS, _RESULTS, _NEWS = 4, 5, 6
_BROAD_MARKET = "SPX"
_DRAWS = 9
"""Random numbers of a kind drawn for each session: the market's, and those of the first eight
underlyings, among them all that jump by themselves. More underlyings leave a seed's market as it
was."""


@dataclass
class DayJumps:
    """One session's jumps as log moves by underlying."""

    at_open: FloatArray
    within: list[tuple[int, FloatArray]] = field(default_factory=list)
    """Minute of the session, and the moves that it takes."""

    @property
    def total(self) -> FloatArray:
        return sum((moves for _, moves in self.within), np.zeros_like(self.at_open))

    def path(self, minutes: int) -> FloatArray:
        """What the jumps add at the open and after each minute: (minutes + 1, underlyings)."""
        added = np.zeros((minutes + 1, len(self.at_open)))
        for minute, moves in self.within:
            added[minute + 1 :] += moves
        return added


class JumpDraws:
    """The jumps of any session, the same for the same seed and events."""

    def __init__(
        self,
        seed: int,
        calendar: TradingCalendar,
        events: MarketEvents,
        underlyings: Sequence[Underlying],
    ) -> None:
        self._seed = seed
        self._calendar = calendar
        self._events = events
        self._underlyings = underlyings
        self._exposure = exposures(underlyings)
        self._single = np.array([u.base_vol * (u.earnings_move > 0) for u in underlyings])

    def on(self, previous: date, session: Session) -> DayJumps:
        """The jumps of ``session``, the one before it having been on ``previous``."""
        jumps = DayJumps(np.zeros(len(self._underlyings)))
        minutes = int((session.close_at - session.open_at).total_seconds() // 60)
        if not self._events.is_calm(session.date):
            self._draw_random(jumps, session.date, minutes)
        self._add_earnings(jumps, previous, session.date)
        for news in self._events.announcements(session.date, session.date):
            rng = self._rng(_NEWS, session.date)
            moves = rng.normal(0.0, news.move) * self._exposure
            self._add(jumps, session, news.at, moves)
        closed = self._calendar.session_on(previous).close_at
        for jump in self._events.jumps():
            if closed <= jump.at < session.close_at:
                self._add(jumps, session, jump.at, self._moves(jump.symbol, jump.size))
        return jumps

    def _draw_random(self, jumps: DayJumps, day: date, minutes: int) -> None:
        rng = self._rng(_JUMPS, day)
        chances, sizes = rng.random(_DRAWS), rng.standard_normal(_DRAWS)
        at = rng.integers(5, minutes - 5, _DRAWS)
        if chances[0] < MARKET_JUMPS_PER_YEAR / SESSIONS_PER_YEAR:
            move = MARKET_JUMP_MEAN + MARKET_JUMP_STDEV * sizes[0]
            jumps.within.append((int(at[0]), move * self._exposure))
        for column in np.flatnonzero(chances[1:] < SINGLE_JUMPS_PER_YEAR / SESSIONS_PER_YEAR):
            if self._single[column]:
                moves = np.zeros(len(self._underlyings))
                moves[column] = SINGLE_JUMP_STDEV * self._single[column] * sizes[1 + column]
                jumps.within.append((int(at[1 + column]), moves))

    def _add_earnings(self, jumps: DayJumps, previous: date, day: date) -> None:
        for column, underlying in enumerate(self._underlyings):
            # Announced after a close, known at the next open.
            for result in self._events.earnings(underlying.symbol, previous, day):
                if result.on < day:
                    rng = self._rng(_RESULTS, result.on, underlying.con_id)
                    jumps.at_open[column] += rng.normal(0.0, result.move)

    def _add(self, jumps: DayJumps, session: Session, at: datetime, moves: FloatArray) -> None:
        if at < session.open_at:
            jumps.at_open += moves
        elif at < session.close_at:
            jumps.within.append((int((at - session.open_at).total_seconds() // 60), moves))

    def _moves(self, symbol: str, size: float) -> FloatArray:
        if symbol == EVERYTHING:
            return size * self._exposure
        root = UNDERLYINGS[symbol].path_of or symbol
        family = [(u.path_of or u.symbol) == root for u in self._underlyings]
        return size * np.array(family, dtype=np.float64)

    def _rng(self, kind: int, day: date, *key: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, kind, day.toordinal(), *key])


def exposures(underlyings: Sequence[Underlying]) -> FloatArray:
    """The log move of each for one of the broad market."""
    broad = UNDERLYINGS[_BROAD_MARKET].base_vol
    return np.array([u.market_beta * u.base_vol / broad for u in underlyings])


def jump_variance(underlyings: Sequence[Underlying]) -> FloatArray:
    """The yearly variance that ordinary jumps, announcements and earnings contribute."""
    exposure = exposures(underlyings)
    market = MARKET_JUMPS_PER_YEAR * (MARKET_JUMP_MEAN**2 + MARKET_JUMP_STDEV**2)
    news = len(ANNOUNCEMENT_MONTHS) * ANNOUNCEMENT_MOVE**2
    single = np.array(
        [
            SINGLE_JUMPS_PER_YEAR * (SINGLE_JUMP_STDEV * u.base_vol) ** 2 + 4 * u.earnings_move**2
            if u.earnings_move
            else 0.0
            for u in underlyings
        ]
    )
    return exposure**2 * (market + news) + single
