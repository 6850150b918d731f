"""What lies around recorded chains: an underlying's prices, dividends and splits, rates, the VIX.

What is asked of a day is answered as it was known on that day.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import numpy as np

from domain.instruments import ExerciseStyle, PriceIncrements, Settlement
from domain.market import FloatArray, IntArray
from domain.underlyings import ComingDividend, UnderlyingFacts

EPOCH = date(1970, 1, 1)
DECLARED_BEFORE = timedelta(days=14)
"""How long before its ex-date a dividend is taken to be known, where no file tells."""
DIVIDEND_HORIZON = timedelta(days=90)
"""How far the declared and estimated dividends of a payer, or of none, are relied upon."""
ONE_YEAR = timedelta(days=364)
"""Fifty-two weeks: an estimate of an ex-date keeps its weekday."""
SAME_DIVIDEND = timedelta(days=45)
"""An estimate this close to a declared dividend is that one."""


@dataclass(frozen=True, slots=True)
class DailySeries:
    """One value per date: ``days`` since 1970-01-01, ascending, and ``values``; shapes ``(n,)``."""

    days: IntArray
    values: FloatArray

    def __post_init__(self) -> None:
        if self.days.shape != self.values.shape:
            raise ValueError("a daily series needs a value per day")
        if (np.diff(self.days) <= 0).any():
            raise ValueError("the days of a daily series ascend")

    def on(self, day: date) -> float | None:
        """The value of ``day`` itself; None where there is none."""
        at = int(np.searchsorted(self.days, day_number(day)))
        return self._value(at) if at < len(self.days) and self.days[at] == day_number(day) else None

    def last_until(self, day: date) -> float | None:
        """The newest value of ``day`` or earlier; None before the first."""
        at = int(np.searchsorted(self.days, day_number(day), side="right")) - 1
        return self._value(at) if at >= 0 else None

    def _value(self, at: int) -> float | None:
        value = float(self.values[at])
        return value if np.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class RateHistory:
    """The annual risk-free rate, continuously compounded and decimal, by date."""

    series: DailySeries | None = None

    def on(self, day: date) -> float:
        """The newest rate known on ``day``; 0 where none is (see ``is_known``)."""
        known = None if self.series is None else self.series.last_until(day)
        return 0.0 if known is None else known

    def is_known(self, day: date) -> bool:
        return self.series is not None and self.series.last_until(day) is not None


@dataclass(frozen=True, slots=True)
class PastDividend:
    """A cash dividend per share, in the shares of its own day; ``declared`` None if not told."""

    ex_date: date
    amount: Decimal
    declared: date | None = None


@dataclass(frozen=True, slots=True)
class PastSplit:
    """``ratio`` new shares for each old one from the open of ``ex_date`` on."""

    ex_date: date
    ratio: Fraction


@dataclass(frozen=True)
class Ohlc:
    """Official daily prices as traded, not adjusted: ``days`` since 1970-01-01, ascending.

    Shapes ``(n,)``; ``nan`` where a price is not known. Options that settle in the morning settle
    near ``open`` (the true settlement value is not a price of the index), others at ``close``.
    """

    days: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray

    @classmethod
    def empty(cls) -> Ohlc:
        nothing = np.empty(0)
        return cls(np.empty(0, dtype=np.int64), nothing, nothing, nothing, nothing)

    def open_on(self, day: date) -> float | None:
        return self._opens.on(day)

    def close_on(self, day: date) -> float | None:
        return self._closes.on(day)

    @cached_property
    def _opens(self) -> DailySeries:
        return DailySeries(self.days, self.open)

    @cached_property
    def _closes(self) -> DailySeries:
        return DailySeries(self.days, self.close)


@dataclass(frozen=True)
class UnderlyingHistory:
    """One underlying over the whole history, from side files; what is not known is empty.

    ``iv30`` is the 30-day implied volatility at the end of each session. ``dividends``, ``splits``
    and ``earnings`` ascend by date. ``dividends_known`` tells no dividends from ignorance of them;
    ``earnings_known_to`` does for earnings. ``is_official`` is false where ``prices`` are those
    the chains were recorded with, for want of a side file.
    """

    symbol: str
    is_index: bool
    style: ExerciseStyle
    settlement: Settlement
    increments: PriceIncrements
    currency: str = "USD"
    prices: Ohlc = field(default_factory=Ohlc.empty)
    is_official: bool = True
    iv30: DailySeries | None = None
    dividends: tuple[PastDividend, ...] = ()
    dividends_known: bool = False
    splits: tuple[PastSplit, ...] = ()
    earnings: tuple[date, ...] = ()
    earnings_known_to: date | None = None
    sector: str | None = None
    beta: float | None = None

    def splits_between(self, after: date, until: date) -> tuple[PastSplit, ...]:
        """Those of the days from the one after ``after`` up to ``until``."""
        return tuple(each for each in self.splits if after < each.ex_date <= until)

    def dividends_between(self, after: date, until: date) -> tuple[PastDividend, ...]:
        """Those going ex on the days from the one after ``after`` up to ``until``."""
        return tuple(each for each in self.dividends if after < each.ex_date <= until)

    def facts(self, at: datetime, today: date) -> UnderlyingFacts:
        """What was known at the open of ``today``: completed sessions, declared dividends.

        Closes are adjusted for the splits up to ``today``, as a broker gives them.
        """
        past = int(np.searchsorted(self.prices.days, day_number(today)))
        next_earnings = next((each for each in self.earnings if each >= today), None)
        # Slices of checked columns need no second check, and a copy of them would cost more.
        return UnderlyingFacts.of_checked(
            symbol=self.symbol,
            as_of=at,
            sessions=self.prices.days[:past],
            close=self._adjusted_closes(today)[:past],
            iv=self._iv_by_session[:past],
            next_earnings=next_earnings,
            earnings_known_to=self.earnings_known_to,
            dividends=self._coming_dividends(today),
            dividends_known_to=today + DIVIDEND_HORIZON if self.dividends_known else None,
            sector=self.sector,
            beta=self.beta,
        )

    def _adjusted_closes(self, today: date) -> FloatArray:
        done = sum(each.ex_date <= today for each in self.splits)
        return self._closes_by_splits_done[done]

    @cached_property
    def _closes_by_splits_done(self) -> tuple[FloatArray, ...]:
        closes = [self.prices.close]
        for split in self.splits:
            before = self.prices.days < day_number(split.ex_date)
            closes.append(np.where(before, closes[-1] / float(split.ratio), closes[-1]))
        return tuple(closes)

    @cached_property
    def _iv_by_session(self) -> FloatArray:
        known = self.iv30
        if known is None or not len(known.days):
            return np.full(len(self.prices.days), np.nan)
        at = np.minimum(np.searchsorted(known.days, self.prices.days), len(known.days) - 1)
        return np.where(known.days[at] == self.prices.days, known.values[at], np.nan)

    def _coming_dividends(self, today: date) -> tuple[ComingDividend, ...]:
        """Those declared by ``today``, then those of the last year again, a year later."""
        declared = [
            ComingDividend(ex_date=each.ex_date, amount=each.amount)
            for each in self.dividends
            if each.ex_date >= today and (each.declared or each.ex_date - DECLARED_BEFORE) <= today
        ]
        estimates = [
            ComingDividend(
                ex_date=each.ex_date + ONE_YEAR,
                amount=self._in_shares_of(today, each),
                is_estimate=True,
            )
            for each in self.dividends
            if today - ONE_YEAR <= each.ex_date < today
        ]
        new = [
            each
            for each in estimates
            if all(abs(each.ex_date - known.ex_date) > SAME_DIVIDEND for known in declared)
        ]
        return tuple(sorted([*declared, *new], key=lambda each: each.ex_date))

    def _in_shares_of(self, today: date, dividend: PastDividend) -> Decimal:
        amount = dividend.amount
        for split in self.splits_between(dividend.ex_date, today):
            amount = amount * split.ratio.denominator / split.ratio.numerator
        return amount


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days
