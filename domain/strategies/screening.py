"""Sifting a chain column by column, and remembering what removed each contract."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from scipy.special import ndtr, ndtri  # pyright: ignore[reportMissingTypeStubs]

from domain.instruments import ExerciseStyle
from domain.market import BoolArray, FloatArray, IntArray, OptionChain, QuoteCode, QuoteQuality

DAYS_PER_YEAR = 365.0


@dataclass(slots=True)
class Screen:
    """Which contracts of a chain are still standing, and the rule that removed each other one.

    A contract is counted under the first rule it fails. NaN fails every comparison, so absent
    data removes a contract unless a rule says otherwise.
    """

    con_id: IntArray
    alive: BoolArray
    standing: int
    """How many are alive: counting is cheap, and most rules remove nothing."""
    removed: dict[str, IntArray] = field(default_factory=dict[str, IntArray])

    @classmethod
    def of(cls, chain: OptionChain) -> Screen:
        return cls(chain.con_id, np.ones(len(chain), dtype=np.bool_), len(chain))

    def require(self, rule: str, passed: BoolArray | bool | np.bool_) -> None:
        """Remove the contracts still standing for which ``passed`` (shape (n,) or one) is false."""
        if passed is True:
            return
        left = self.alive & passed
        standing = int(np.count_nonzero(left))
        if standing < self.standing:
            self.removed[rule] = self.con_id.compress(self.alive ^ left)
            self.alive, self.standing = left, standing

    def on_part(self, part: OptionChain) -> Screen:
        """The screen of a ``part`` that holds what is still standing alone; what was removed stays
        on record."""
        return Screen(part.con_id, np.ones(len(part), dtype=np.bool_), len(part), self.removed)

    @property
    def rows(self) -> IntArray:
        """Row numbers still standing."""
        return self.alive.nonzero()[0]


@dataclass(frozen=True)
class ShortColumns:
    """What selling one option in each row would mean. Arrays of shape (n,), NaN where unknown.

    ``bid`` is what a sale brings at once. Each is worked out when it is asked for: a position that
    is kept needs none of them.
    """

    chain: OptionChain
    today: date

    def replaced(self, **columns: FloatArray) -> ShortColumns:
        """These with others in their place."""
        made = ShortColumns(self.chain, self.today)
        vars(made).update(columns)
        return made

    @cached_property
    def dte(self) -> IntArray:
        return self.chain.dte(self.today)

    @cached_property
    def bid(self) -> FloatArray:
        return self.chain.bid

    @cached_property
    def mid(self) -> FloatArray:
        return self.chain.mid

    @cached_property
    def spread_fraction(self) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return (self.chain.ask - self.chain.bid) / self.mid

    @cached_property
    def collateral(self) -> FloatArray:
        """What a share of it ties up: a put's strike in cash, a covered call's share at its
        price."""
        return np.where(self.chain.is_call, self.chain.underlying_price, self.chain.strike)

    @cached_property
    def ror(self) -> FloatArray:
        """The mid credit over the collateral."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.mid / self.collateral

    @cached_property
    def ror_annualised(self) -> FloatArray:
        """``ror`` scaled to 365 days without compounding."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return self.ror * DAYS_PER_YEAR / np.where(self.dte > 0, self.dte, np.nan)


def probability_out_of_the_money(chain: OptionChain, rows: IntArray, dte: IntArray) -> FloatArray:
    """The chance of each option in ``rows`` to expire worthless, from its own delta and volatility.

    A put's is N(d2), a call's N(−d2), with d2 = d1 − σ√T and d1 read back from the broker's delta,
    which keeps its rate and dividend assumptions. Where there is no volatility 1 − |delta| stands
    in. ``dte`` is by row of the chain.
    """
    size, iv = np.abs(chain.delta[rows]), chain.iv[rows]
    sign = np.where(chain.is_call[rows], 1.0, -1.0)
    with np.errstate(invalid="ignore"):
        spread = iv * np.sqrt(np.maximum(dte[rows], 0) / DAYS_PER_YEAR)
        worthless = ndtr(-ndtri(size) + sign * spread)
    return np.where(np.isfinite(iv) & (iv > 0), worthless, 1.0 - size)


def screen_chain_data(screen: Screen, chain: OptionChain, dte: IntArray) -> None:
    """Remove everything whose data cannot be traded on, each fault under its own rule."""
    screen_identity(screen, chain, dte)
    screen_quotes(screen, chain)


def screen_identity(screen: Screen, chain: OptionChain, dte: IntArray) -> None:
    """Remove what is not live, not told apart from another row, or over. Needs the whole chain."""
    screen.require("quote_live", chain.quality is QuoteQuality.LIVE)
    screen.require("contract_unique", _unique(chain))
    screen.require("not_expired", dte >= 0)


def screen_quotes(screen: Screen, chain: OptionChain) -> None:
    """Remove what its own row shows to be faulty."""
    # Finite above its least: what is not a number is neither.
    sized = (chain.strike >= 0.01) & (chain.strike < np.inf)
    screen.require("contract_valid", sized & (chain.multiplier >= 1) & (chain.multiplier < np.inf))
    screen.require("contract_standard", _standard(chain))
    screen.require("quote_present", np.isfinite(chain.bid + chain.ask))
    screen.require("bid_positive", chain.bid > 0)
    screen.require("not_crossed", chain.ask >= chain.bid)
    screen.require("price_possible", _possible(chain))
    toward = np.where(chain.is_call, chain.delta, -chain.delta)
    screen.require("delta_known", (toward > 0) & (toward < 1))


def screen_soundness(screen: Screen, chain: OptionChain) -> None:
    """Remove what was graded as faulty when the chain came in, whatever its fault is called.

    For what is to be sold only: an option deep in the money may be quoted at its exercise value,
    which gives it no volatility, and must still be bought back. A chain that was not graded is
    judged by the other rules, which leave nothing faulty out of the money.
    """
    if chain.code is not None:
        screen.require("quote_sound", chain.code == QuoteCode.OK)


def _unique(chain: OptionChain) -> BoolArray | bool:
    con_id = chain.con_id
    ascending = np.count_nonzero(con_id[1:] > con_id[:-1]) == len(con_id) - 1
    if ascending and con_id[0] > 0:  # as chains usually come; nothing needs sorting then
        return True
    ordered = np.sort(con_id)
    if not (ordered[1:] == ordered[:-1]).any():
        return chain.con_id > 0
    _, inverse, counts = np.unique(chain.con_id, return_inverse=True, return_counts=True)
    return (chain.con_id > 0) & (counts[inverse] == 1)


def _standard(chain: OptionChain) -> BoolArray | bool:
    """Adjusted contracts deliver something else than shares: OCC marks their class by a digit."""
    ends_in_digit = chain.symbol[-1].isdigit()
    odd = {
        name
        for name in set(chain.trading_class)
        if not 0 < len(name) <= 16 or name[-1].isdigit() != ends_in_digit
    }
    if not odd:
        return True
    return np.asarray([name not in odd for name in chain.trading_class], dtype=np.bool_)


def _possible(chain: OptionChain) -> BoolArray:
    """Prices that cannot be are faults: dearer than the most it pays, offered below exercise.

    An exercise that pays more than the ask is only proof of a fault for American options.
    """
    spot = chain.underlying_price
    most = np.where(chain.is_call, spot, chain.strike)
    possible = (chain.bid < most) & (chain.ask <= most)
    if chain.style is ExerciseStyle.EUROPEAN:
        return possible
    inside = spot - chain.strike
    return possible & (chain.ask >= np.where(chain.is_call, inside, -inside))
