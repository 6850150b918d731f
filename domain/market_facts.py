"""What the broker tells of an underlying's past and dividends, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from domain.corporate_actions import AnnouncedDividend
from domain.instruments import Frozen
from domain.market import FloatArray, IntArray
from domain.underlyings import SESSIONS_PER_YEAR, ComingDividend

BETA_SESSIONS = 120
"""Returns needed at least: half a year says something of how a stock moves with the market."""
PAYMENT_RHYTHMS = frozenset({1, 2, 4, 12})
DECLARED_EARLY = timedelta(days=21)
"""By how much a next dividend may come earlier than the rhythm of the last ones suggests."""
NON_PAYER_HORIZON = timedelta(days=90)
"""How far a broker's word that a stock pays nothing is relied upon."""


class HistoryKind(StrEnum):
    """Which series of daily bars, as TWS names it: traded prices, or 30-day implied volatility."""

    PRICE = "TRADES"
    IMPLIED_VOLATILITY = "OPTION_IMPLIED_VOLATILITY"


class DailyHistory(Frozen):
    """The last value of each completed session, ascending. Prices are adjusted for splits.

    ``opens`` are the first prices of the same sessions, None where one is no price; empty where
    nobody asked for prices.
    """

    days: tuple[date, ...] = ()
    values: tuple[float, ...] = ()
    opens: tuple[float | None, ...] = ()

    @model_validator(mode="after")
    def _a_value_per_day(self) -> Self:
        if len(self.days) != len(self.values):
            raise ValueError("days and values differ in number")
        if self.opens and len(self.opens) != len(self.days):
            raise ValueError("days and opens differ in number")
        if any(one >= other for one, other in zip(self.days, self.days[1:], strict=False)):
            raise ValueError("days are not ascending")
        return self


class DividendOutlook(Frozen):
    """A stock's dividends per share, as the broker tells them (generic tick 456).

    ``next_12_months`` is the broker's own projection; of a stock that pays nothing it is 0.
    """

    next_12_months: Decimal | None = Field(default=None, ge=0)
    announced: AnnouncedDividend | None = None


def beta(
    sessions: IntArray,
    closes: FloatArray,
    market_sessions: IntArray,
    market_closes: FloatArray,
    window: int = SESSIONS_PER_YEAR,
) -> float | None:
    """Beta to a market: cov(r, m) / var(m) of daily log returns over common sessions.

    The ordinary least-squares slope of the market model (Sharpe 1963, "A simplified model for
    portfolio analysis"), over the last ``window`` sessions that both have, ``BETA_SESSIONS``
    returns at least; None with fewer. Sessions are days since 1970-01-01, ascending. Prices are
    not adjusted for dividends, whose effect on a year's beta is in the third place.
    """
    _, mine, theirs = np.intersect1d(
        sessions, market_sessions, assume_unique=True, return_indices=True
    )
    prices = np.stack([closes[mine], market_closes[theirs]])[:, -(window + 1) :]
    prices = prices[:, (np.isfinite(prices) & (prices > 0)).all(axis=0)]
    if prices.shape[1] <= BETA_SESSIONS:
        return None
    covariance = np.cov(np.diff(np.log(prices), axis=1))
    return float(covariance[0, 1] / covariance[1, 1]) if covariance[1, 1] > 0 else None


def dividends_ahead(
    outlook: DividendOutlook, read_on: date
) -> tuple[tuple[ComingDividend, ...], date | None]:
    """The dividends to come, by ex-date, and until when nothing else is to be expected.

    After the one announced, the broker's projection for twelve months divided by its amount gives
    the rhythm (yearly, half-yearly, quarterly, monthly) in which estimates follow. Where no such
    rhythm comes out, nothing is known beyond the one announced; where nothing is announced and
    something projected, nothing is known at all (None).
    """
    announced, projected = outlook.announced, outlook.next_12_months
    if announced is None:
        return (), read_on + NON_PAYER_HORIZON if projected == 0 else None
    first = ComingDividend(ex_date=announced.ex_date, amount=announced.amount)
    times_a_year = round(projected / announced.amount) if projected else 0
    if times_a_year not in PAYMENT_RHYTHMS:
        return (first,), announced.ex_date
    following = _estimates(first, times_a_year, read_on + timedelta(days=365))
    next_by_rhythm = announced.ex_date + timedelta(days=365 // times_a_year)
    return (first, *following), next_by_rhythm - DECLARED_EARLY


def _estimates(
    announced: ComingDividend, times_a_year: int, until: date
) -> Sequence[ComingDividend]:
    dates = (announced.ex_date + timedelta(days=365 * n // times_a_year) for n in range(1, 13))
    return [
        ComingDividend(ex_date=day, amount=announced.amount, is_estimate=True)
        for day in dates
        if day <= until
    ]
