"""Underlying prices as a pure function of seed and market time.

Correlated jump-diffusions, drawn coarse to fine so that any instant can be computed without
computing those before it: daily returns, then a Brownian bridge by minutes within the session,
then one by seconds within the minute. A gateway that restarts, or runs at another speed,
therefore sees exactly the same prices. On an ex-date a stock opens lower by its dividend; a split
rescales what is seen from its date on. A jump takes its minute.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt

from domain.calendar import Session, TradingCalendar
from infra.simulator.jumps import DayJumps, JumpDraws, jump_variance
from infra.simulator.market_events import MarketEvents
from infra.simulator.reference import UNDERLYINGS, Underlying, exchange_date

FloatArray = npt.NDArray[np.float64]

SESSIONS_PER_YEAR = 252
DRIFT_PER_YEAR = 0.05
REALISED_TO_IMPLIED = 0.85
"""Realised volatility over implied: the premium that option sellers are paid for."""
OVERNIGHT_SHARE = 0.35
"""Part of a day's standard deviation that falls in the gap at the open."""

_DAILY, _MINUTES, _SECONDS = 1, 2, 3
_ALL = tuple(UNDERLYINGS.values())
_ROOTS = tuple(u for u in _ALL if not u.path_of)
_COLUMN = {u.symbol: i for i, u in enumerate(_ALL)}
_ROOT_COLUMN = {u.symbol: i for i, u in enumerate(_ROOTS)}
# SPY and XSP follow the very shocks of SPX.
_DRIVEN_BY = np.array([_ROOT_COLUMN[u.path_of or u.symbol] for u in _ALL])


class SpotPaths:
    """Prices of every underlying at any covered time, in USD.

    ``anchor`` is the session before which (at the previous close) prices equal their base price.
    """

    def __init__(
        self, seed: int, calendar: TradingCalendar, anchor: date, events: MarketEvents
    ) -> None:
        self._seed = seed
        self._calendar = calendar
        self._events = events
        self._dates = [session.date for session in calendar.sessions]
        self._anchor_index = self._dates.index(anchor)
        self._base = np.array([_scale(u) for u in _ALL])
        self._betas = np.array([u.market_beta for u in _ROOTS])
        yearly = np.array([u.base_vol for u in _ALL]) * REALISED_TO_IMPLIED
        # Jumps are part of the realised volatility, not on top of it.
        diffusion = np.sqrt(yearly**2 - jump_variance(_ALL))
        self._sigma = diffusion / sqrt(SESSIONS_PER_YEAR)
        yields = np.array([0.0 if u.is_index else u.dividend_yield for u in _ALL])
        self._drift = (DRIFT_PER_YEAR + yields - 0.5 * yearly**2) / SESSIONS_PER_YEAR
        self._jumps = JumpDraws(seed, calendar, events, _ALL)
        self.forget()

    def forget(self) -> None:
        """Drop everything computed: an event has been added to the market's future."""
        # Log of close over base price, by session index; the anchor's previous close is 0.
        start = self._anchor_index - 1
        self._closes: dict[int, FloatArray] = {start: np.zeros(len(_ALL))}
        self._first_known = self._last_known = start
        self._minute_logs = lru_cache(maxsize=512)(self._draw_minutes)
        self._second_logs = lru_cache(maxsize=64)(self._draw_seconds)
        self._day_return = lru_cache(maxsize=8192)(self._draw_day)
        self._jumps_of = lru_cache(maxsize=8192)(self._draw_jumps)
        self._dividends = lru_cache(maxsize=8192)(self._dividends_of)

    def price(self, underlying: Underlying, at: datetime, as_of: date | None = None) -> float:
        """The price at ``at``; while the exchange is closed, the last close.

        Adjusted for the splits up to ``as_of``, by default those up to the day of ``at``.
        """
        index, offset = self._locate(at)
        logs = self._close_log(index) if offset is None else self._intraday_log(index, offset)
        return self._seen(underlying, logs, as_of or exchange_date(at))

    def previous_close(
        self, underlying: Underlying, at: datetime, as_of: date | None = None
    ) -> float:
        """The close of the session before the one of ``at`` (the last but one once closed)."""
        index, _ = self._locate(at)
        return self._seen(underlying, self._close_log(index - 1), as_of or exchange_date(at))

    def close_on(self, underlying: Underlying, day: date) -> float:
        return self._seen(underlying, self._close_log(self._index_of(day)), day)

    def open_on(self, underlying: Underlying, day: date) -> float:
        return self._seen(underlying, self._intraday_log(self._index_of(day), 0), day)

    def stretch(self, underlying: Underlying, at: datetime, sessions: int = 20) -> float:
        """Log of the price over its average log close of the last ``sessions``."""
        index, offset = self._locate(at)
        now = self._close_log(index) if offset is None else self._intraday_log(index, offset)
        column = _COLUMN[underlying.symbol]
        past = [self._close_log(index - back)[column] for back in range(1, sessions + 1)]
        return float(now[column] - sum(past) / len(past))

    def realised_vol(self, underlying: Underlying, at: datetime, sessions: int) -> float:
        """Annualised standard deviation of the last completed sessions' log returns."""
        index, _ = self._locate(at)
        column = _COLUMN[underlying.symbol]
        closes = [self._close_log(index - back)[column] for back in range(1, sessions + 2)]
        return float(np.std(np.diff(closes), ddof=1) * sqrt(SESSIONS_PER_YEAR))

    def minute_prices(
        self, underlying: Underlying, day: date, as_of: date | None = None
    ) -> FloatArray:
        """Prices at the open and after every minute of a session: shape (minutes + 1,).

        As traded, or adjusted for the splits between ``day`` and ``as_of``.
        """
        column = _COLUMN[underlying.symbol]
        scale = self._base[column] / self._split_factor(underlying, as_of or day)
        return scale * np.exp(self._minute_logs(self._index_of(day))[:, column])

    def _seen(self, underlying: Underlying, logs: FloatArray, day: date) -> float:
        column = _COLUMN[underlying.symbol]
        price = self._base[column] * np.exp(logs[column])
        return float(price / self._split_factor(underlying, day))

    def _split_factor(self, underlying: Underlying, day: date) -> float:
        """What a price of the unsplit path is divided by on ``day``."""
        return float(self._events.split_factor(underlying.symbol, date.min, day))

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
            ex = self._ex_dividend(self._closes[self._last_known], following)
            self._closes[following] = ex + self._day_log(following)
            self._last_known = following
        while self._first_known > index:
            # The close before a session is that session's close less its return, plus what was
            # paid out in between.
            first = self._first_known
            ex = self._base * np.exp(self._closes[first] - self._day_log(first))
            self._closes[first - 1] = np.log((ex + self._dividends(first)) / self._base)
            self._first_known = first - 1
        return self._closes[index]

    def _ex_dividend(self, logs: FloatArray, index: int) -> FloatArray:
        """Logs of prices less what is paid on the session ``index``."""
        dividends = self._dividends(index)
        if not dividends.any():
            return logs
        prices = self._base * np.exp(logs)
        return np.log(np.maximum(prices - dividends, 0.05 * prices) / self._base)

    def _dividends_of(self, index: int) -> FloatArray:
        """Dollars per unsplit share that leave each price at the open of a session."""
        previous, day = self._dates[index - 1], self._dates[index]
        paid = np.zeros(len(_ALL))
        for column, underlying in enumerate(_ALL):
            if not underlying.is_index:
                for dividend in self._events.dividends(underlying.symbol, previous, day):
                    factor = self._split_factor(underlying, day)
                    paid[column] += float(dividend.amount) * factor
        return paid

    def _day_log(self, index: int) -> FloatArray:
        gap, intraday = self._day_return(index)
        jumps = self._jumps_of(index)
        return gap + jumps.at_open + intraday + jumps.total

    def _draw_jumps(self, index: int) -> DayJumps:
        return self._jumps.on(self._dates[index - 1], self._calendar.sessions[index])

    def _shocks(self, kind: int, *key: int, rows: int) -> FloatArray:
        """Correlated standard normals of shape (rows, underlyings), the same for the same key."""
        rng = np.random.default_rng([self._seed, kind, *key])
        draws = rng.standard_normal((rows, len(_ROOTS) + 1))
        shocks = draws[:, :1] * self._betas + draws[:, 1:] * np.sqrt(1 - self._betas**2)
        return shocks[:, _DRIVEN_BY]

    def _draw_day(self, index: int) -> tuple[FloatArray, FloatArray]:
        """Log returns of the overnight gap and of the session itself."""
        shocks = self._shocks(_DAILY, self._dates[index].toordinal(), rows=2)
        gap = OVERNIGHT_SHARE * self._sigma * shocks[0]
        return gap, self._drift + sqrt(1 - OVERNIGHT_SHARE**2) * self._sigma * shocks[1]

    def _draw_minutes(self, index: int) -> FloatArray:
        """Log prices over base at the open and each minute after: (minutes + 1, underlyings)."""
        minutes = _minutes_of(self._calendar.sessions[index])
        gap, intraday = self._day_return(index)
        steps = self._shocks(_MINUTES, self._dates[index].toordinal(), rows=minutes)
        steps *= sqrt((1 - OVERNIGHT_SHARE**2) / minutes) * self._sigma
        jumps = self._jumps_of(index)
        opening = self._ex_dividend(self._close_log(index - 1), index) + gap + jumps.at_open
        return opening + _bridge(steps, intraday) + jumps.path(minutes)

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
