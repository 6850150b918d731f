"""What can be traded: instruments, option contracts and the prices an exchange accepts."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Frozen(BaseModel):
    """Base of every domain record: immutable, strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def of_checked(cls, **values: Any) -> Self:
        """One made of checked parts, every field given: nothing is looked at again.

        ``model_construct`` without its search for aliases and defaults, which takes longer than
        a validation does.
        """
        made = cls.__new__(cls)
        object.__setattr__(made, "__dict__", values)
        object.__setattr__(made, "__pydantic_fields_set__", set(values))
        object.__setattr__(made, "__pydantic_extra__", None)
        object.__setattr__(made, "__pydantic_private__", None)
        return made


class SecType(StrEnum):
    STOCK = "STK"
    INDEX = "IND"
    OPTION = "OPT"


class Right(StrEnum):
    PUT = "P"
    CALL = "C"


class Settlement(StrEnum):
    """How an expired option pays: shares change hands, or cash does."""

    PHYSICAL = "PHYSICAL"
    CASH = "CASH"


class ExerciseStyle(StrEnum):
    AMERICAN = "AMERICAN"
    EUROPEAN = "EUROPEAN"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> Side:
        return Side.SELL if self is Side.BUY else Side.BUY


class PriceBand(Frozen):
    """From ``low_edge`` upwards, prices move in steps of ``increment`` (account currency)."""

    low_edge: Decimal
    increment: Decimal = Field(gt=0)


class PriceIncrements(Frozen):
    """The price steps an exchange accepts, by price band (a TWS market rule).

    The band is chosen by the order's own price, never by the contract's ``minTick``, which is
    only the smallest step anywhere.
    """

    bands: Annotated[tuple[PriceBand, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _ascending_from_zero(self) -> Self:
        edges = [band.low_edge for band in self.bands]
        if edges[0] != 0 or edges != sorted(set(edges)):
            raise ValueError("price bands start at 0 and ascend")
        return self

    @classmethod
    def flat(cls, increment: Decimal) -> PriceIncrements:
        return cls(bands=(PriceBand(low_edge=Decimal(0), increment=increment),))

    def at(self, price: Decimal) -> Decimal:
        """The step that applies at ``price``."""
        step = self.bands[0].increment
        for band in self.bands:
            if abs(price) >= band.low_edge:
                step = band.increment
        return step

    def accepts(self, price: Decimal) -> bool:
        return price % self.at(price) == 0

    def nearest(self, price: Decimal) -> Decimal:
        return self._round(price, ROUND_HALF_EVEN)

    def down(self, price: Decimal) -> Decimal:
        """The highest accepted price that is not above ``price``."""
        return self._round(price, ROUND_FLOOR)

    def up(self, price: Decimal) -> Decimal:
        """The lowest accepted price that is not below ``price``."""
        return self._round(price, ROUND_CEILING)

    def _round(self, price: Decimal, rounding: str) -> Decimal:
        step = self.at(price)
        return (price / step).quantize(Decimal(1), rounding=rounding) * step


class OptionContract(Frozen):
    """One listed option, as the desk identifies it.

    ``multiplier`` is kept at trade time: adjusted contracts are not always 100.
    """

    symbol: str = Field(min_length=1, max_length=16, description="underlying symbol")
    trading_class: str = Field(min_length=1, max_length=16)
    expiry: date = Field(description="last trading day, exchange date")
    strike: Decimal = Field(gt=0)
    right: Right
    multiplier: Decimal = Field(gt=0)
    currency: str = Field(default="USD", pattern="^[A-Z]{3}$")
    con_id: int = Field(gt=0, description="IBKR's contract id")

    def __hash__(self) -> int:
        """Equal contracts have one id: nothing else need be looked at."""
        return hash(self.con_id)

    @property
    def occ_symbol(self) -> str:
        """The 21-character OCC symbol (root, yymmdd, right, strike × 1000)."""
        strike = int(self.strike * 1000)
        return f"{self.trading_class:<6}{self.expiry:%y%m%d}{self.right.value}{strike:08d}"

    @property
    def is_adjusted(self) -> bool:
        """Whether a corporate action changed what it delivers.

        OCC marks the class of such a contract by a digit on the underlying's symbol (``AAPL1``);
        IBKR writes it before the symbol (``2AAPL``).
        """
        rest = self.trading_class.removeprefix(self.symbol)
        if rest == self.trading_class:
            rest = self.trading_class.removesuffix(self.symbol)
        return rest != self.trading_class and rest.isdigit()

    @property
    def key(self) -> str:
        return instrument_key(
            SecType.OPTION,
            self.symbol,
            self.currency,
            trading_class=self.trading_class,
            expiry=self.expiry,
            right=self.right,
            strike=self.strike,
            multiplier=self.multiplier,
        )

    def describe(self) -> str:
        """In a trader's words: ``SPY 12 Dec 2026 560 put``."""
        return describe_option(self.symbol, self.expiry, self.strike, self.right)


# The same few options are named again in every list, card and run.
@lru_cache(maxsize=8192)
def describe_option(symbol: str, expiry: date, strike: Decimal, right: Right) -> str:
    """An option in a trader's words: ``SPY 12 Dec 2026 560 put``."""
    kind = "put" if right is Right.PUT else "call"
    return f"{symbol} {expiry.day} {expiry:%b %Y} {plain(strike)} {kind}"


class Leg(Frozen):
    """One side of a trade; ``ratio`` contracts per unit of order quantity."""

    contract: OptionContract
    side: Side
    ratio: int = Field(default=1, ge=1)


# Equal decimals have one text, and few different ones are ever written: strikes, prices, sizes.
@lru_cache(maxsize=8192)
def plain(value: Decimal) -> str:
    """A decimal without exponent or trailing zeros: ``560``, ``562.5``."""
    text = format(value.normalize(), "f")
    return "0" if text in {"-0", ""} else text


def contracts_text(count: int) -> str:
    """``1 contract``, ``2 contracts``."""
    return f"{count} contract{'' if count == 1 else 's'}"


def price_text(price: Decimal) -> str:
    """A price as traders write it, cents at least and more places where it has them: ``6.00``."""
    return f"{price:.2f}" if price == round(price, 2) else plain(price)


# As many as there are contracts held, offered and traded at a time, asked for over and over.
@lru_cache(maxsize=8192)
def instrument_key(
    sec_type: SecType,
    symbol: str,
    currency: str,
    *,
    trading_class: str = "",
    expiry: date | None = None,
    right: Right | None = None,
    strike: Decimal | None = None,
    multiplier: Decimal | None = None,
) -> str:
    """Our own identity of an instrument, independent of any broker's numbering.

    Adjusted options differ in trading class or multiplier and so never share a key with the
    standard contract of the same strike and expiry.
    """
    if sec_type is not SecType.OPTION:
        return f"{sec_type}:{symbol}:{currency}"
    if expiry is None or right is None or strike is None or multiplier is None:
        raise ValueError(f"option {symbol}: expiry, right, strike and multiplier are required")
    return (
        f"{sec_type}:{symbol}:{trading_class}:{expiry:%Y%m%d}:{right}:"
        f"{plain(strike)}:{plain(multiplier)}:{currency}"
    )
