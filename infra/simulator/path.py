"""Underlying prices as a pure function of seed and market time.

Correlated geometric Brownian motion, drawn coarse to fine so that any instant can be computed
without computing those before it: daily returns, then a Brownian bridge by minutes within the
session, then one by seconds within the minute. A gateway that restarts, or runs at another
speed, therefore sees exactly the same prices.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt

from domain.calendar import Session, TradingCalendar
from infra.simulator.reference import UNDERLYINGS, Underlying

FloatArray = npt.NDArray[np.float64]

SESSIONS_PER_YEAR = 252
DRIFT_PER_YEAR = 0.05
REALISED_TO_IMPLIED = 0.85
"""Realised volatility over implied: the premium that option sellers are paid for."""
OVERNIGHT_SHARE = 0.35
"""Part of a day's standard deviation that falls in the gap at the open."""

_DAILY, _MINUTES, _SECONDS = 1, 2, 3
_ROOTS = tuple(u for u in UNDERLYINGS.values() if not u.path_of)
_COLUMN = {u.symbol: i for i, u in enumerate(_ROOTS)}


class SpotPaths:
    """Prices of every underlying at any covered time, in USD.

    ``anchor`` is the session before which (at the previous close) prices equal their base price.
    """

    def __init__(self, seed: int, calendar: TradingCalendar, anchor: date) -> None:
        self._seed = seed
        self._calendar = calendar
        self._dates = [session.date for session in calendar.sessions]
        self._anchor_index = self._dates.index(anchor)
        self._betas = np.array([u.market_beta for u in _ROOTS])
        self._sigma = (
            np.array([u.base_vol for u in _ROOTS]) * REALISED_TO_IMPLIED / sqrt(SESSIONS_PER_YEAR)
        )
        # Log of close over base price, by session index; the anchor's previous close is 0.
        self._closes: dict[int, FloatArray] = {self._anchor_index - 1: np.zeros(len(_ROOTS))}
        self._first_known = self._last_known = self._anchor_index - 1
        self._minute_logs = lru_cache(maxsize=512)(self._draw_minutes)
        self._second_logs = lru_cache(maxsize=64)(self._draw_seconds)
        self._day_return = lru_cache(maxsize=8192)(self._draw_day)

    def price(self, underlying: Underlying, at: datetime) -> float:
        """The price at ``at``; while the exchange is closed, the last close."""
        index, offset = self._locate(at)
        if offset is None:
            return _price_of(underlying, self._close_log(index))
        return _price_of(underlying, self._intraday_log(index, offset))

    def previous_close(self, underlying: Underlying, at: datetime) -> float:
        """The close of the session before the one of ``at`` (the last but one once closed)."""
        index, _ = self._locate(at)
        return _price_of(underlying, self._close_log(index - 1))

    def close_on(self, underlying: Underlying, day: date) -> float:
        return _price_of(underlying, self._close_log(self._index_of(day)))

    def open_on(self, underlying: Underlying, day: date) -> float:
        return _price_of(underlying, self._intraday_log(self._index_of(day), 0))

    def stretch(self, underlying: Underlying, at: datetime, sessions: int = 20) -> float:
        """Log of the price over its average log close of the last ``sessions``."""
        index, offset = self._locate(at)
        now = self._close_log(index) if offset is None else self._intraday_log(index, offset)
        column = _COLUMN[underlying.path_of or underlying.symbol]
        past = [self._close_log(index - back)[column] for back in range(1, sessions + 1)]
        return float(now[column] - sum(past) / len(past))

    def realised_vol(self, underlying: Underlying, at: datetime, sessions: int) -> float:
        """Annualised standard deviation of the last completed sessions' log returns."""
        index, _ = self._locate(at)
        column = _COLUMN[underlying.path_of or underlying.symbol]
        closes = [self._close_log(index - back)[column] for back in range(1, sessions + 2)]
        return float(np.std(np.diff(closes), ddof=1) * sqrt(SESSIONS_PER_YEAR))

    def minute_prices(self, underlying: Underlying, day: date) -> FloatArray:
        """Prices at the open and after every minute of a session: shape (minutes + 1,)."""
        index = self._index_of(day)
        column = _COLUMN[underlying.path_of or underlying.symbol]
        return _scale(underlying) * np.exp(self._minute_logs(index)[:, column])

    def _index_of(self, day: date) -> int:
        self._calendar.session_on(day)
        return bisect_right(self._dates, day) - 1

    def _locate(self, at: datetime) -> tuple[int, int | None]:
        """The session index and seconds since its open; None once it has closed."""
        session = self._calendar.session_at(at)
        if session is None:
            return self._index_of(self._calendar.previous_session(at).date), None
        return self._index_of(session.date), int((at - session.open_at).total_seconds())

    def _close_log(self, index: int) -> FloatArray:
        while self._last_known < index:
            following = self._last_known + 1
            self._closes[following] = self._closes[self._last_known] + self._day_log(following)
            self._last_known = following
        while self._first_known > index:
            # The close before a session is that session's close less its return.
            first = self._first_known
            self._closes[first - 1] = self._closes[first] - self._day_log(first)
            self._first_known = first - 1
        return self._closes[index]

    def _day_log(self, index: int) -> FloatArray:
        gap, intraday = self._day_return(index)
        return gap + intraday

    def _shocks(self, kind: int, *key: int, rows: int) -> FloatArray:
        """Correlated standard normals of shape (rows, underlyings), the same for the same key."""
        rng = np.random.default_rng([self._seed, kind, *key])
        draws = rng.standard_normal((rows, len(_ROOTS) + 1))
        return draws[:, :1] * self._betas + draws[:, 1:] * np.sqrt(1 - self._betas**2)

    def _draw_day(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Log returns of the overnight gap and of the session itself."""
        shocks = self._shocks(_DAILY, self._dates[index].toordinal(), rows=2)
        drift = DRIFT_PER_YEAR / SESSIONS_PER_YEAR - 0.5 * self._sigma**2
        gap = OVERNIGHT_SHARE * self._sigma * shocks[0]
        return gap, drift + sqrt(1 - OVERNIGHT_SHARE**2) * self._sigma * shocks[1]

    def _draw_minutes(self, index: int) -> FloatArray:
        """Log prices over base at the open and each minute after: (minutes + 1, underlyings)."""
        minutes = _minutes_of(self._calendar.sessions[index])
        gap, intraday = self._day_return(index)
        steps = self._shocks(_MINUTES, self._dates[index].toordinal(), rows=minutes)
        steps *= sqrt((1 - OVERNIGHT_SHARE**2) / minutes) * self._sigma
        return self._close_log(index - 1) + gap + _bridge(steps, intraday)

    def _draw_seconds(self, index: int, minute: int) -> FloatArray:
        """Log prices over base at each second of a minute: (61, underlyings)."""
        logs = self._minute_logs(index)
        minutes = len(logs) - 1
        steps = self._shocks(_SECONDS, self._dates[index].toordinal(), minute, rows=60)
        steps *= sqrt((1 - OVERNIGHT_SHARE**2) / (minutes * 60)) * self._sigma
        return logs[minute] + _bridge(steps, logs[minute + 1] - logs[minute])

    def _intraday_log(self, index: int, offset: int) -> FloatArray:
        minute, second = divmod(offset, 60)
        return self._second_logs(index, minute)[second]


def _minutes_of(session: Session) -> int:
    return int((session.close_at - session.open_at).total_seconds() // 60)


def _bridge(steps: FloatArray, total: FloatArray) -> FloatArray:
    """A path from 0 to ``total`` with the noise of ``steps``: shape (rows + 1, columns)."""
    walk = np.vstack([np.zeros_like(steps[:1]), np.cumsum(steps, axis=0)])
    progress = np.linspace(0.0, 1.0, len(walk))[:, None]
    return walk + progress * (total - walk[-1])


def _scale(underlying: Underlying) -> float:
    if underlying.path_of:
        return UNDERLYINGS[underlying.path_of].base_price * underlying.index_scale
    return underlying.base_price


def _price_of(underlying: Underlying, logs: FloatArray) -> float:
    column = _COLUMN[underlying.path_of or underlying.symbol]
    return float(_scale(underlying) * np.exp(logs[column]))
