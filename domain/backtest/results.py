"""What a backtest leaves behind. Amounts are Decimal in the account's currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from domain.instruments import Right, SecType, Side
from domain.recommendations import RecommendationAction

UNFILLED = "UNFILLED"
"""In place of a control's code: nothing refused an order, and yet it did not trade."""


class BacktestProgress(NamedTuple):
    """How far a run has come: slices done, of so many, and the session it is at."""

    done: int
    of: int
    session: date


class EventKind(StrEnum):
    """What happened to the account without an order."""

    EXPIRED = "EXPIRED"
    SETTLED = "SETTLED"
    ASSIGNED = "ASSIGNED"
    ASSIGNED_EARLY = "ASSIGNED_EARLY"
    EXERCISED = "EXERCISED"
    DIVIDEND = "DIVIDEND"
    SPLIT = "SPLIT"
    INTEREST = "INTEREST"
    MARGIN_CALL = "MARGIN_CALL"
    LIQUIDATED = "LIQUIDATED"
    """What the broker closed after a call that was not met; the fill beside it moves the money."""


class Event(NamedTuple):
    """One change without an order. ``quantity`` is the change of the instrument held, signed;
    ``cash`` that of the account's cash."""

    at: datetime
    kind: EventKind
    symbol: str
    description: str
    con_id: int = 0
    quantity: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)
    price: Decimal | None = None
    detail: str = ""


class Fill(NamedTuple):
    """One leg of one execution; ``order`` numbers the orders of the run from 1.

    ``mid`` is the middle of the leg's quote then, ``slippage`` what the fill was worse than it, in
    money: negative where it was better.
    """

    at: datetime
    order: int
    action: RecommendationAction
    symbol: str
    description: str
    con_id: int
    side: Side
    quantity: Decimal
    price: Decimal
    multiplier: Decimal
    mid: Decimal
    commission: Decimal
    slippage: Decimal
    decided_at: datetime

    @property
    def cash(self) -> Decimal:
        """What it did to the account's cash."""
        return -self.side.sign * self.quantity * self.price * self.multiplier - self.commission


class Trade(NamedTuple):
    """One position from its opening to its end, or to the end of the data (``closed_at`` None).

    ``quantity`` is the most that was held, signed. Prices are averages per share. ``result`` is
    after commissions; of options that turned into shares the premium, for the shares cost their
    strike. ``capital`` is what it tied up: a put's strike, a call's or a share's underlying price,
    times the units. The legs of a spread are a trade each: the short one has the capital of both,
    the long one none. ``exit_rule`` names the strategy's rule, or what ended it: ``expired``,
    ``settled``, ``assigned``, ``assigned_early``, ``exercised``, ``called_away``, ``liquidated``,
    ``end_of_data``.
    """

    opened_at: datetime
    closed_at: datetime | None
    symbol: str
    description: str
    con_id: int
    sec_type: SecType
    right: Right | None
    strike: Decimal | None
    expiry: date | None
    multiplier: Decimal
    quantity: Decimal
    open_price: Decimal
    close_price: Decimal
    commission: Decimal
    result: Decimal
    capital: Decimal
    opened_by: str
    exit_rule: str
    exit_action: str
    days: int

    @property
    def credit(self) -> Decimal:
        """What opening it brought in; negative for what was bought."""
        return -self.quantity * self.open_price * self.multiplier

    @property
    def return_on_risk(self) -> float | None:
        """The result over the capital it tied up."""
        return float(self.result / self.capital) if self.capital > 0 else None


class Denial(NamedTuple):
    """An approved trade that did not come to an order, or an order that did not trade.

    ``code`` is the control's, or UNFILLED where the market did not reach the worst price allowed.
    """

    at: datetime
    symbol: str
    action: RecommendationAction
    code: str
    reason: str


class Skip(NamedTuple):
    """A day, or one underlying on it, that was not traded on; marks were carried forward."""

    session: date
    symbol: str
    """Empty where the whole session is missing."""
    reason: str


@dataclass(slots=True)
class EquityCurve:
    """Column by column, one row per slice at its end.

    ``equity`` is cash, positions at their marks, and what is accrued; ``with_loan`` counts no
    options unless margin is portfolio margin. ``margin`` is the maintenance
    asked for by the run's margin model; ``reg_t`` and ``portfolio_margin`` are both estimates.
    ``pm_usage`` is margin over equity with loan value (nan where that is not positive);
    ``exposure`` the gross notional at stake over equity.
    """

    at: list[datetime] = field(default_factory=list[datetime])
    session: list[date] = field(default_factory=list[date])
    cash: list[Decimal] = field(default_factory=list[Decimal])
    positions: list[Decimal] = field(default_factory=list[Decimal])
    accrued: list[Decimal] = field(default_factory=list[Decimal])
    equity: list[Decimal] = field(default_factory=list[Decimal])
    with_loan: list[Decimal] = field(default_factory=list[Decimal])
    margin: list[float] = field(default_factory=list[float])
    reg_t: list[float] = field(default_factory=list[float])
    portfolio_margin: list[float] = field(default_factory=list[float])
    pm_usage: list[float] = field(default_factory=list[float])
    exposure: list[float] = field(default_factory=list[float])
    carried: list[int] = field(default_factory=list[int])
    """Positions whose mark is an earlier one's."""

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Something simpler done with the same money: its worth at each row of the equity curve."""

    name: str
    description: str
    equity: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """All of one run. ``digest`` is SHA-256 over its inputs and outputs."""

    label: str
    strategy: str
    curve: EquityCurve
    trades: tuple[Trade, ...]
    fills: tuple[Fill, ...]
    events: tuple[Event, ...]
    denials: tuple[Denial, ...]
    skipped: tuple[Skip, ...]
    errors: tuple[str, ...]
    notes: tuple[str, ...]
    """In plain words: what was assumed because the data does not tell it, and why nothing was
    traded where nothing was."""
    benchmarks: tuple[Benchmark, ...]
    stats: Mapping[str, Any]
    stopped: bool
    """Whether the run was told to stop before the end of its data."""
    digest: str
