"""Quotes, chains and the market a strategy is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import AwareDatetime, ConfigDict, Field, field_validator

from domain.instruments import (
    ExerciseStyle,
    Frozen,
    OptionContract,
    PriceIncrements,
    Right,
    Settlement,
    describe_option,
)

if TYPE_CHECKING:
    from domain.underlyings import UnderlyingFacts

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class QuoteQuality(StrEnum):
    """What the broker's own callbacks say about a quote; only LIVE may be traded on."""

    LIVE = "LIVE"
    FROZEN = "FROZEN"
    DELAYED = "DELAYED"
    MISSING = "MISSING"


class QuoteCode(IntEnum):
    """Why a row of a chain may not be priced; 0 is none. See ``domain.pricing.quality``."""

    OK = 0
    NAN_INPUT = 1
    """Spot, term, rate or yield is not a finite number."""
    BAD_SPOT = 2
    BAD_STRIKE = 3
    EXPIRED = 4
    STALE = 5
    """Not of this session, or older than the caller allows."""
    NO_ASK = 6
    NO_BID = 7
    """Absent, zero or negative: the middle would be invented."""
    CROSSED = 8
    """The bid is above the ask."""
    BELOW_INTRINSIC = 9
    """The middle is at or below what exercise, now or at expiry, is worth."""
    ABOVE_BOUND = 10
    """The middle is at or above what no option of its kind can be worth."""


class Quote(Frozen):
    """A two-sided market per share, in the contract's currency: in one contract, or in a package.

    A package's quote follows from those of its ``legs`` (see ``domain.packages``) and is judged by
    them: its net prices may be zero or negative, and its spread may hide a leg that is crossed.
    """

    bid: Decimal | None
    ask: Decimal | None
    bid_size: Decimal | None = None
    ask_size: Decimal | None = None
    last: Decimal | None = None
    underlying_price: Decimal | None = None
    iv: float | None = Field(default=None, description="annualised, decimal")
    delta: float | None = None
    quality: QuoteQuality
    halted: bool | None = Field(
        default=None, description="whether trading is halted; None where the broker does not tell"
    )
    grade: str | None = Field(
        default=None, description="a QuoteCode by name; None where it was not graded"
    )
    forward: float | None = Field(
        default=None, description="of the underlying at expiry, as calls and puts imply it"
    )
    rate: float | None = Field(default=None, description="annualised, as the forward came with")
    as_of: AwareDatetime = Field(description="market time of the observation")
    legs: tuple[Quote, ...] = Field(default=(), description="of a package, leg by leg")

    @property
    def is_two_sided(self) -> bool:
        if self.legs:
            return all(leg.is_two_sided for leg in self.legs)
        return self.bid is not None and self.ask is not None and self.bid > 0 and self.ask > 0

    @property
    def is_crossed(self) -> bool:
        if self.legs:
            return any(leg.is_crossed for leg in self.legs)
        return self.bid is not None and self.ask is not None and self.bid > self.ask

    @property
    def mid(self) -> Decimal | None:
        if self.bid is None or self.ask is None or not self.is_two_sided:
            return None
        return (self.bid + self.ask) / 2

    @property
    def spread(self) -> Decimal | None:
        if self.bid is None or self.ask is None or not self.is_two_sided:
            return None
        return self.ask - self.bid

    def age(self, now: datetime) -> timedelta:
        return now - self.as_of


class MarketClock(Frozen):
    """Market time as last read from the broker, carried forward.

    ``rate`` is market seconds per host second: 1 for a real broker, more for a simulated
    gateway that runs fast. The host clock is used only for the seconds since the last reading.
    """

    market_at: AwareDatetime
    observed_at: AwareDatetime
    rate: float = Field(default=1.0, gt=0)

    def now(self, host_now: datetime) -> datetime:
        """Market time at ``host_now``; never earlier than the last reading."""
        elapsed = max((host_now - self.observed_at).total_seconds(), 0.0)
        return self.market_at + timedelta(seconds=elapsed * self.rate)

    def host_seconds_until(self, market_deadline: datetime, host_now: datetime) -> float:
        """Host seconds until market time reaches ``market_deadline`` (0 when it has)."""
        remaining = (market_deadline - self.now(host_now)).total_seconds()
        return max(remaining / self.rate, 0.0)


class ImpliedCarry(Frozen):
    """The forward and rate that one expiry's calls and puts agree on."""

    trading_class: str
    expiry: int = Field(description="days since 1970-01-01")
    forward: float
    rate: float = Field(description="annualised, continuously compounded")
    is_rate_assumed: bool = Field(description="the quotes tell the forward, but not the rate")


FEW_ROWS = 64


class OptionChain(Frozen):
    """The listed options of one underlying at one instant, column by column.

    Every array has one entry per contract (shape ``(n,)``), in the same order. Prices are per
    share; ``nan`` marks an absent quote. ``expiry`` is days since 1970-01-01; ``is_call`` and
    ``right`` agree; ``iv`` is annualised and decimal; ``delta`` is the holder's. ``code`` is the
    ``QuoteCode`` and ``arbitrage`` the ``Arbitrage`` flags of each row; None where nobody has
    graded the chain (``domain.chain_grading``).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    symbol: str
    currency: str
    as_of: AwareDatetime
    underlying_price: float = Field(gt=0)
    quality: QuoteQuality
    style: ExerciseStyle
    settlement: Settlement
    increments: PriceIncrements
    trading_class: tuple[str, ...]
    multiplier: FloatArray
    con_id: IntArray
    expiry: IntArray
    strike: FloatArray
    is_call: BoolArray
    bid: FloatArray
    ask: FloatArray
    iv: FloatArray
    delta: FloatArray
    volume: FloatArray
    open_interest: FloatArray
    code: IntArray | None = None
    arbitrage: IntArray | None = None
    carries: tuple[ImpliedCarry, ...] = ()

    @field_validator(
        "multiplier",
        "strike",
        "bid",
        "ask",
        "iv",
        "delta",
        "volume",
        "open_interest",
        mode="before",
    )
    @classmethod
    def _floats(cls, value: Any) -> FloatArray:
        return np.asarray([np.nan if v is None else v for v in value], dtype=np.float64)

    @field_validator("con_id", "expiry", "code", "arbitrage", mode="before")
    @classmethod
    def _ints(cls, value: Any) -> IntArray | None:
        return None if value is None else np.asarray(value, dtype=np.int64)

    @field_validator("is_call", mode="before")
    @classmethod
    def _bools(cls, value: Any) -> BoolArray:
        return np.asarray(value, dtype=np.bool_)

    def model_post_init(self, context: Any) -> None:
        sizes = {name: len(column) for name, column in self.columns().items()}
        if len(set(sizes.values())) > 1:
            raise ValueError(f"chain of {self.symbol}: columns differ in length: {sizes}")

    def __len__(self) -> int:
        return len(self.con_id)

    def columns(self) -> dict[str, Any]:
        """The per-contract columns by name; those of the grading where there is one."""
        names = (
            "trading_class",
            "multiplier",
            "con_id",
            "expiry",
            "strike",
            "is_call",
            "bid",
            "ask",
            "iv",
            "delta",
            "volume",
            "open_interest",
        )
        columns = {name: getattr(self, name) for name in names}
        graded = {"code": self.code, "arbitrage": self.arbitrage}
        return columns | {name: column for name, column in graded.items() if column is not None}

    def to_json(self) -> bytes:
        """The chain as JSON, absent quotes as null; ``OptionChain.from_json`` reads it back."""
        scalars = self.model_dump(mode="json", exclude=set(self.columns()))
        columns = {name: _plain_column(column) for name, column in self.columns().items()}
        return json.dumps(scalars | columns, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> OptionChain:
        return cls.model_validate(json.loads(data))

    @property
    def mid(self) -> FloatArray:
        return (self.bid + self.ask) / 2

    def dte(self, today: date) -> IntArray:
        """Calendar days from the exchange date ``today`` to expiry."""
        return self.expiry - (today - date(1970, 1, 1)).days

    def part(self, rows: IntArray) -> OptionChain:
        """The chain of ``rows`` alone, in their order."""
        columns: dict[str, Any] = {
            name: column.take(rows)
            for name, column in vars(self).items()
            if isinstance(column, np.ndarray)
        }
        names = self.trading_class
        # To see that there is one class takes as long as to look up some rows.
        if len(rows) > FEW_ROWS and names.count(names[0]) == len(names):
            columns["trading_class"] = names[:1] * len(rows)
        else:
            columns["trading_class"] = tuple(map(names.__getitem__, rows.tolist()))
        # What is part of a valid chain is one: there is nothing to check again.
        return OptionChain.of_checked(**vars(self) | columns)

    def describe(self, row: int) -> str:
        """The contract in ``row`` in a trader's words."""
        strike = decimal_of(self.strike[row])
        right = Right.CALL if self.is_call[row] else Right.PUT
        return describe_option(self.symbol, _day(int(self.expiry[row])), strike, right)

    def contract(self, row: int) -> OptionContract:
        """The identity of the contract in ``row``."""
        return _contract(
            self.symbol,
            self.trading_class[row],
            int(self.expiry[row]),
            float(self.strike[row]),
            bool(self.is_call[row]),
            float(self.multiplier[row]),
            self.currency,
            int(self.con_id[row]),
        )


def _day(number: int) -> date:
    return date(1970, 1, 1) + timedelta(days=number)


# Frozen, and asked for in one slice after the other.
@lru_cache(maxsize=8192)
def _contract(
    symbol: str,
    trading_class: str,
    expiry: int,
    strike: float,
    is_call: bool,
    multiplier: float,
    currency: str,
    con_id: int,
) -> OptionContract:
    return OptionContract(
        symbol=symbol,
        trading_class=trading_class,
        expiry=_day(expiry),
        strike=decimal_of(strike),
        right=Right.CALL if is_call else Right.PUT,
        multiplier=decimal_of(multiplier),
        currency=currency,
        con_id=con_id,
    )


def _plain_column(column: Any) -> list[Any]:
    values: list[Any] = column.tolist() if isinstance(column, np.ndarray) else list(column)
    return [None if isinstance(value, float) and math.isnan(value) else value for value in values]


@lru_cache(maxsize=1 << 14)
def decimal_of(value: float) -> Decimal:
    """A float that stands for a decimal (strike, price) as that decimal, free of binary noise.

    Remembered, for the strikes and prices of a chain are asked for again and again.
    """
    return Decimal(repr(round(float(value), 8))).normalize() + Decimal(0)


class MarketView(Protocol):
    """All the market a strategy may see: live and backtest differ only in who implements it."""

    @property
    def as_of(self) -> datetime: ...

    @property
    def today(self) -> date:
        """The exchange date at ``as_of``."""
        ...

    @property
    def chains(self) -> Mapping[str, OptionChain]:
        """Option chains by underlying symbol; a symbol without usable data is absent."""
        ...

    @property
    def facts(self) -> Mapping[str, UnderlyingFacts]:
        """What is known of the underlyings beyond their chains; a symbol may be absent."""
        ...

    @property
    def vix(self) -> float | None:
        """The VIX index, in points; None when it is not known or not fresh."""
        ...
