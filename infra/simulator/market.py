"""What the exchange and the wire need of a market, whichever it is: synthetic or replayed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import nan
from typing import Protocol

import numpy as np
import numpy.typing as npt

from domain.calendar import TradingCalendar
from infra.simulator.contracts import ContractBook, Security
from infra.simulator.market_events import Dividend, Split
from infra.simulator.reference import Underlying

REFRESH_SECONDS = 5
"""Displayed sizes are replenished this often, in market seconds."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What the market shows for one security, USD per share; NaN or 0 where there is nothing.

    ``bid`` 0 means no bid. Greeks are per share, theta per calendar day, vega per 1.00 of vol.
    """

    bid: float
    ask: float
    last: float
    close: float
    bid_size: int
    ask_size: int
    last_size: int
    volume: int
    open_interest: int
    underlying_price: float
    model_price: float = nan
    iv: float = nan
    delta: float = nan
    gamma: float = nan
    vega: float = nan
    theta_per_day: float = nan

    @property
    def mid(self) -> float:
        return (self.bid + self.ask) / 2

    @property
    def mark(self) -> float:
        """The price a position is valued at: the middle of the market, or the last trade."""
        return self.mid if self.ask > 0 else self.last


class Market(Protocol):
    """Prices of everything in ``book`` at any market time; USD per share, times aware UTC.

    Answers depend on the time asked for alone, never on what was asked before, so that a gateway
    that restarts sees the same market.
    """

    @property
    def seed(self) -> int:
        """What every random choice about this market is drawn from."""
        ...

    @property
    def calendar(self) -> TradingCalendar: ...

    @property
    def book(self) -> ContractBook: ...

    @property
    def history_from(self) -> date:
        """The first exchange date with prices."""
        ...

    def quote(self, security: Security, at: datetime) -> Quote: ...

    def quotes(self, securities: Sequence[Security], at: datetime) -> list[Quote]:
        """Quotes in the order asked; while the exchange is closed, those of the last close."""
        ...

    def spot(self, symbol: str, at: datetime) -> float:
        """An underlying's price; while the exchange is closed, the last close."""
        ...

    def previous_close(self, symbol: str, at: datetime) -> float:
        """The close of the session before the one of ``at`` (the last but one once closed)."""
        ...

    def reference_prices(self, at: datetime) -> dict[str, float]:
        """Previous closes by symbol: the strikes listed during a session depend on these alone."""
        ...

    def settlement_price(self, security: Security) -> float:
        """What an option's exercise value is measured against on its settlement date."""
        ...

    def years_left(self, security: Security, at: datetime) -> float:
        """An option's remaining life on an actual/365 clock, never negative."""
        ...

    def atm_vol(self, underlying: Underlying, at: datetime, years: float) -> float:
        """At-the-money implied volatility of a tenor: annualised, decimal."""
        ...

    def realised_vol(self, underlying: Underlying, at: datetime, sessions: int = 20) -> float:
        """Annualised standard deviation of the last ``sessions`` daily log returns."""
        ...

    def minute_prices(
        self, symbol: str, day: date, as_of: date | None = None
    ) -> npt.NDArray[np.float64]:
        """An underlying's price at the open and after every minute of a session.

        As traded that day, or adjusted for the splits between it and ``as_of``.
        """
        ...

    def is_halted(self, symbol: str, at: datetime) -> bool:
        """Whether trading in an underlying and its options is suspended within a session."""
        ...

    def dividends(self, symbol: str, after: date, until: date) -> list[Dividend]:
        """Those with ``after`` < ex-date ≤ ``until``, ascending."""
        ...

    def splits(self, symbol: str) -> list[Split]:
        """Every split of a symbol, past and to come, ascending."""
        ...
