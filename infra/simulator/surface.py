"""The synthetic volatility surface: level, term structure, smile, and the events ahead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import exp, sqrt

import numpy as np

from domain.calendar import TradingCalendar
from infra.simulator.contracts import Security
from infra.simulator.jumps import exposures
from infra.simulator.market_events import ANNOUNCEMENT_MONTHS, ANNOUNCEMENT_MOVE, MarketEvents
from infra.simulator.path import FloatArray, SpotPaths
from infra.simulator.reference import RISK_FREE_RATE, Underlying, exchange_date

SECONDS_PER_YEAR = 365 * 24 * 3600
_VOL_FLOOR, _VOL_CAP = 0.05, 3.0
_LEVERAGE = 3.0
"""Log of the volatility level per log-point the price lies below its 20-day average."""
_MEAN_REVERSION_PER_YEAR = 2.5
_LONG_RUN = 1.05
"""Long-dated volatility over that of a month."""
_CURVATURE = 0.006
_WING = 2.5
"""Standard deviations at which the smile flattens; a hard bound would leave butterflies to buy."""
_NO_TIME_YEARS = 3 / 365
_HORIZON = timedelta(days=420)
"""Events further away than any option lives are not looked for."""


@dataclass(frozen=True, slots=True)
class OptionTerms:
    """What pricing needs, each of shape (options,)."""

    spot: FloatArray
    ex_dividends: FloatArray
    """Spot less the present value of the dividends until expiry."""
    strike: FloatArray
    years: FloatArray
    yields: FloatArray
    """Continuous, of indexes."""
    iv: FloatArray


class VolSurface:
    """Implied volatilities by underlying, tenor and strike at any market time."""

    def __init__(self, paths: SpotPaths, events: MarketEvents, calendar: TradingCalendar) -> None:
        self._paths = paths
        self._events = events
        self._calendar = calendar
        self.forget()

    def forget(self) -> None:
        """Drop everything computed: an event has been added to the market's future."""
        self._scheduled = lru_cache(maxsize=256)(self._scheduled_from)

    def at_the_money(self, underlying: Underlying, at: datetime, years: float) -> float:
        """Annualised volatility of a tenor, the variance of scheduled events included."""
        quiet, long_run = self._levels(underlying, at)
        vol = long_run + (quiet - long_run) * exp(-_MEAN_REVERSION_PER_YEAR * years)
        if years <= 0:
            return vol
        until = at + timedelta(seconds=years * SECONDS_PER_YEAR)
        ahead = sum(v for moment, v in self._variances(underlying, at) if moment <= until)
        return sqrt(vol**2 + ahead / years)

    def terms(
        self,
        options: Sequence[Security],
        spots: dict[str, float],
        strike: FloatArray,
        years: FloatArray,
        last_moments: Sequence[datetime | None],
        at: datetime,
    ) -> OptionTerms:
        """Pricing terms of each option; ``spots`` by symbol."""
        underlyings = {s.symbol: s.underlying for s in options}
        levels = {symbol: self._levels(u, at) for symbol, u in underlyings.items()}
        spot = np.array([spots[s.symbol] for s in options])
        quiet, long_run = np.array([levels[s.symbol] for s in options]).T
        yields = np.array([s.underlying.continuous_yield for s in options])
        skew = np.array([s.underlying.skew for s in options])
        atm = long_run + (quiet - long_run) * np.exp(-_MEAN_REVERSION_PER_YEAR * years)
        ahead, dividends = self._ahead(options, last_moments, at)
        with_events = np.sqrt(atm**2 + ahead / np.maximum(years, 1e-6))
        ex_dividends = np.maximum(spot - dividends, 0.05 * spot)
        forward = ex_dividends * np.exp((RISK_FREE_RATE - yields) * years)
        spread = with_events * np.sqrt(np.maximum(years, _NO_TIME_YEARS))
        deviations = _WING * np.arcsinh(np.log(strike / forward) / spread / _WING)
        smile = skew * deviations + _CURVATURE * deviations**2
        iv = np.clip(with_events + smile * atm / long_run, _VOL_FLOOR, _VOL_CAP)
        return OptionTerms(spot, ex_dividends, strike, years, yields, iv)

    def _levels(self, underlying: Underlying, at: datetime) -> tuple[float, float]:
        """Volatility of the shortest and the longest tenors without scheduled events."""
        base = sqrt(underlying.base_vol**2 - _scheduled_variance(underlying))
        level = base * exp(-_LEVERAGE * self._paths.stretch(underlying, at))
        return level, base * _LONG_RUN

    def _ahead(
        self, options: Sequence[Security], last_moments: Sequence[datetime | None], at: datetime
    ) -> tuple[FloatArray, FloatArray]:
        """Event variance, and present value of dividends, in each option's remaining life."""
        found: dict[tuple[str, datetime | None], tuple[float, float]] = {}
        for option, last in zip(options, last_moments, strict=True):
            key = (option.symbol, last)
            if key not in found:
                found[key] = self._until(option.underlying, at, last)
        rows = [found[o.symbol, last] for o, last in zip(options, last_moments, strict=True)]
        variance, dividends = np.array(rows).reshape(-1, 2).T
        return variance, dividends

    def _until(
        self, underlying: Underlying, at: datetime, last: datetime | None
    ) -> tuple[float, float]:
        if last is None or last <= at:
            return 0.0, 0.0
        variance = sum(v for moment, v in self._variances(underlying, at) if moment < last)
        today, dividends = exchange_date(at), 0.0
        if not underlying.is_index:
            for paid in self._events.dividends(underlying.symbol, today, exchange_date(last)):
                years = (paid.ex_date - today).days / 365
                # Announced in the shares of its own day; a split on the way changes their number.
                factor = self._events.split_factor(underlying.symbol, today, paid.ex_date)
                dividends += float(paid.amount * factor.numerator / factor.denominator) * exp(
                    -RISK_FREE_RATE * years
                )
        return variance, dividends

    def _variances(self, underlying: Underlying, at: datetime) -> list[tuple[datetime, float]]:
        """Scheduled moments still ahead, and the variance of the log move of each."""
        today = exchange_date(at)
        return [(moment, v) for moment, v in self._scheduled(underlying, today) if moment > at]

    def _scheduled_from(
        self, underlying: Underlying, today: date
    ) -> tuple[tuple[datetime, float], ...]:
        until = min(today + _HORIZON, self._calendar.last_date)
        exposure = float(exposures([underlying])[0])
        news = self._events.announcements(today, until)
        found = [(a.at, (a.move * exposure) ** 2) for a in news]
        for result in self._events.earnings(underlying.symbol, today, until):
            next_day = self._calendar.add_sessions(result.on, 1)
            found.append((self._calendar.session_on(next_day).open_at, result.move**2))
        return tuple(sorted(found))


def _scheduled_variance(underlying: Underlying) -> float:
    """A year's variance of ordinary scheduled events: part of the base volatility."""
    news = len(ANNOUNCEMENT_MONTHS) * ANNOUNCEMENT_MOVE**2
    return float(exposures([underlying])[0]) ** 2 * news + 4 * underlying.earnings_move**2
