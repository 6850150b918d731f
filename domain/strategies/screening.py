"""Sifting a chain column by column, and remembering what removed each contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
from scipy.special import ndtr, ndtri  # pyright: ignore[reportMissingTypeStubs]

from domain.market import BoolArray, FloatArray, IntArray, OptionChain, QuoteQuality

DAYS_PER_YEAR = 365.0


@dataclass(slots=True)
class Screen:
    """Which contracts of a chain are still standing, and the rule that removed each other one.

    A contract is counted under the first rule it fails. NaN fails every comparison, so absent
    data removes a contract unless a rule says otherwise.
    """

    con_id: IntArray
    alive: BoolArray
    removed: dict[str, IntArray] = field(default_factory=dict[str, IntArray])

    @classmethod
    def of(cls, chain: OptionChain) -> Screen:
        return cls(con_id=chain.con_id, alive=np.ones(len(chain), dtype=np.bool_))

    def require(self, rule: str, passed: BoolArray | bool | np.bool_) -> None:
        """Remove the contracts still standing for which ``passed`` (shape (n,) or one) is false."""
        passes = np.broadcast_to(np.asarray(passed, dtype=np.bool_), self.alive.shape)
        out = self.alive & ~passes
        if out.any():
            self.removed[rule] = self.con_id[out]
        self.alive = self.alive & passes

    @property
    def rows(self) -> IntArray:
        """Row numbers still standing."""
        return np.flatnonzero(self.alive).astype(np.int64)


@dataclass(frozen=True, slots=True)
class ShortPutColumns:
    """What selling one put in each row would mean. Arrays of shape (n,), NaN where unknown.

    ``ror`` is the mid credit over the strike; ``ror_annualised`` scales it to 365 days without
    compounding. ``pop`` estimates the chance to expire out of the money.
    """

    dte: IntArray
    mid: FloatArray
    spread_fraction: FloatArray
    ror: FloatArray
    ror_annualised: FloatArray
    pop: FloatArray


def short_put_columns(chain: OptionChain, today: date) -> ShortPutColumns:
    dte = chain.dte(today)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        years = np.where(dte > 0, dte / DAYS_PER_YEAR, np.nan)
        mid = chain.mid
        ror = mid / chain.strike
        return ShortPutColumns(
            dte=dte,
            mid=mid,
            spread_fraction=(chain.ask - chain.bid) / mid,
            ror=ror,
            ror_annualised=ror / years,
            pop=_probability_out_of_the_money(chain, years),
        )


def _probability_out_of_the_money(chain: OptionChain, years: FloatArray) -> FloatArray:
    """N(d2) of a put from its own delta and volatility: d2 = d1 − σ√T with N(−d1) = |delta|.

    Going through the broker's delta keeps its rate and dividend assumptions. Where there is no
    volatility the slightly hopeful 1 − |delta| stands in.
    """
    size = np.abs(chain.delta)
    d2 = -ndtri(size) - chain.iv * np.sqrt(years)
    usable = np.isfinite(chain.iv) & (chain.iv > 0)
    return np.where(usable, ndtr(d2), 1.0 - size)


def screen_chain_data(screen: Screen, chain: OptionChain, today: date) -> None:
    """Remove everything whose data cannot be traded on, each fault under its own rule."""
    screen.require("quote_live", chain.quality is QuoteQuality.LIVE)
    _, inverse, counts = np.unique(chain.con_id, return_inverse=True, return_counts=True)
    screen.require("contract_unique", (chain.con_id > 0) & (counts[inverse] == 1))
    sized = (chain.strike >= 0.01) & (chain.multiplier >= 1)
    finite = np.isfinite(chain.strike) & np.isfinite(chain.multiplier)
    screen.require("contract_valid", sized & finite)
    screen.require("contract_standard", _standard(chain))
    screen.require("not_expired", chain.dte(today) >= 0)
    screen.require("quote_present", np.isfinite(chain.bid) & np.isfinite(chain.ask))
    screen.require("bid_positive", chain.bid > 0)
    screen.require("not_crossed", chain.ask >= chain.bid)
    screen.require("price_possible", _possible(chain))
    sign = np.where(chain.is_call, 1.0, -1.0)
    screen.require("delta_known", (chain.delta * sign > 0) & (chain.delta * sign < 1))


def _standard(chain: OptionChain) -> BoolArray:
    """Adjusted contracts deliver something else than shares: OCC marks their class by a digit."""
    if not len(chain):
        return np.zeros(0, dtype=np.bool_)
    ends_in_digit = chain.symbol[-1].isdigit()
    classes, inverse = np.unique(
        np.asarray(chain.trading_class, dtype=np.str_), return_inverse=True
    )
    standard = [
        0 < len(name) <= 16 and name[-1].isdigit() == ends_in_digit for name in classes.tolist()
    ]
    return np.asarray(standard, dtype=np.bool_)[inverse]


def _possible(chain: OptionChain) -> BoolArray:
    """Prices that cannot be are faults: dearer than the most it pays, offered below exercise.

    An exercise that pays more than the ask is only proof of a fault for American options.
    """
    most = np.where(chain.is_call, chain.underlying_price, chain.strike)
    sign = np.where(chain.is_call, 1.0, -1.0)
    exercise = np.maximum(sign * (chain.underlying_price - chain.strike), 0.0)
    european = chain.style.value == "EUROPEAN"
    return (chain.bid < most) & (chain.ask <= most) & (european | (chain.ask >= exercise))
