"""What is known of an underlying beyond its chain: its past, its dates, its place in the market."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Any

import numpy as np
from pydantic import AwareDatetime, ConfigDict, Field, field_validator, model_validator

from domain.instruments import Frozen
from domain.market import FloatArray, IntArray

SESSIONS_PER_YEAR = 252


class ComingDividend(Frozen):
    """A cash dividend whose ex-date lies ahead."""

    ex_date: date
    amount: Decimal = Field(gt=0, description="per share, in the underlying's currency")
    is_estimate: bool = Field(default=False, description="projected, not declared")


class UnderlyingFacts(Frozen):
    """Slow facts about one underlying. What is not known is None, nan or empty, never a guess.

    ``sessions`` are the completed sessions of the past as days since 1970-01-01, ascending, with
    the official ``close`` of each and ``iv``, the 30-day implied volatility at its end (annualised,
    decimal; nan where unknown). Shapes ``(n,)``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    symbol: str
    as_of: AwareDatetime
    sessions: IntArray = Field(default_factory=lambda: np.empty(0, dtype=np.int64))
    close: FloatArray = Field(default_factory=lambda: np.empty(0))
    iv: FloatArray = Field(default_factory=lambda: np.empty(0))
    next_earnings: date | None = None
    earnings_known_to: date | None = Field(
        default=None, description="until when next_earnings, or its absence, may be relied upon"
    )
    dividends: tuple[ComingDividend, ...] = Field(default=(), description="by ex-date")
    dividends_known_to: date | None = None
    sector: str | None = None
    beta: float | None = Field(default=None, description="to the S&P 500")

    @field_validator("sessions", mode="before")
    @classmethod
    def _days(cls, value: Any) -> IntArray:
        return np.asarray(value, dtype=np.int64)

    @field_validator("close", "iv", mode="before")
    @classmethod
    def _floats(cls, value: Any) -> FloatArray:
        return np.asarray([np.nan if v is None else v for v in value], dtype=np.float64)

    @model_validator(mode="after")
    def _one_row_per_session(self) -> UnderlyingFacts:
        if not len(self.sessions) == len(self.close) == len(self.iv):
            raise ValueError(f"{self.symbol}: sessions, close and iv differ in length")
        if len(self.sessions) > 1 and not (np.diff(self.sessions) > 0).all():
            raise ValueError(f"{self.symbol}: sessions are not ascending")
        return self

    def iv_rank(self, iv_now: float, sessions: int = SESSIONS_PER_YEAR) -> float | None:
        """Where ``iv_now`` lies between the lowest and highest of the last ``sessions``: 0..1.

        None unless at least a quarter of them are known: a rank within a few days says nothing.
        """
        past = self.iv[-sessions:]
        past = past.compress(np.isfinite(past))
        if len(past) < sessions / 4 or not isfinite(iv_now):
            return None
        low, high = min(float(past.min()), iv_now), max(float(past.max()), iv_now)
        return (iv_now - low) / (high - low) if high > low else None

    def average_close(self, sessions: int) -> float | None:
        """Mean of the last ``sessions`` closes; None while one of them is not known."""
        past = self.close[-sessions:]
        mean = float(past.sum()) / sessions
        # One close that is not known makes the sum unknown.
        return mean if len(past) == sessions and np.isfinite(mean) else None

    def dividends_until(self, last: date) -> Sequence[ComingDividend]:
        """The dividends known to go ex on or before ``last``."""
        return tuple(each for each in self.dividends if each.ex_date <= last)
