"""What the pre-trade controls look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

from pydantic import AwareDatetime, Field

from domain.gateways import GatewayKind
from domain.instruments import Frozen, Leg, OptionContract, PriceIncrements, Side
from domain.market import Quote
from domain.packages import exercise_notional
from domain.portfolio import ZERO, AccountState
from domain.recommendations import ApprovedTrade, RecommendationAction
from domain.risk.limits import Limits, TradingState
from domain.risk.usage import MarginUsage
from domain.risk.worst_case import never_worse_after


class Stage(StrEnum):
    """Whether the broker's margin preview is still to come or must be at hand."""

    BEFORE_PREVIEW = "BEFORE_PREVIEW"
    FINAL = "FINAL"


class MarginPreview(Frozen):
    """The broker's what-if for one order, in the account's currency."""

    init_margin_after: Decimal
    maint_margin_after: Decimal
    equity_with_loan_after: Decimal
    commission: Decimal | None = None


class ListedContract(Frozen):
    """A leg's contract as the broker describes it today."""

    contract: OptionContract
    increments: PriceIncrements


class RestingOrder(Frozen):
    """An order of the account that works on the other side of one of the same contracts.

    ``limit_price`` is None where it is no single contract's: of a package, or not told.
    """

    key: str
    limit_price: Decimal | None


class DayRecord(Frozen):
    """What our own records say of the account's day and of its other orders.

    "Under way" are the unfilled parts of other approvals' opening orders on the same underlying.
    """

    orders_last_minute: int = Field(ge=0, description="sent, by the clock of the records")
    orders_today: int = Field(ge=0, description="sent on this exchange day")
    notional_today: Decimal = Field(ge=0, description="opened, or working to open, today")
    same_trades: tuple[str, ...] = Field(
        description="orders of other approvals that made the same trade within the window"
    )
    opposite_orders: tuple[RestingOrder, ...]
    contracts_under_way: Decimal = Field(ge=0)
    notional_under_way: Decimal = Field(ge=0)
    equity_at_open: Decimal | None = Field(
        description="net liquidation value when the exchange day began"
    )


class HeldGreeks(Frozen):
    """Sensitivities of one unit held, per share of the underlying."""

    delta: float
    vega: float = Field(description="per 1.00 of volatility")
    underlying_price: Decimal


class PretradeInputs(Frozen):
    """Everything the controls look at. None means "not known" and denies where it matters.

    ``quantity`` and ``limit_price`` are those of the order about to be built, which may be less
    than the approval (a walk, a partial fill). ``account`` is the freshest reading;
    ``open_order_keys`` are other orders of ours on any of the same contracts;
    ``committed_assignment_cash`` is what our other working short-put orders would need.
    ``listed`` has the legs' contracts in the legs' order. ``held_greeks`` are by position key.
    """

    trade: ApprovedTrade
    quantity: int = Field(ge=1)
    limit_price: Decimal
    quote: Quote | None
    account: AccountState | None
    risk: MarginUsage | None
    limits: Limits
    trading_state: TradingState
    approved_hash: str | None = Field(description="of the terms that the approver saw")
    strategy: str | None = Field(description="slug of the strategy that offered the trade")
    gateway_kind: GatewayKind | None
    listed: tuple[ListedContract, ...] | None
    record: DayRecord | None
    held_greeks: Mapping[str, HeldGreeks] | None = None
    market_now: AwareDatetime
    today: date = Field(description="exchange date at market_now")
    session_open: bool | None
    session_close: AwareDatetime | None = Field(
        description="end of the session that is running; None while there is none"
    )
    what_if: MarginPreview | None = None
    what_if_refusal: str = Field(default="", description="the broker's words where it gave none")
    open_order_keys: tuple[str, ...] = ()
    committed_assignment_cash: Decimal = Field(default=ZERO, ge=0)
    stage: Stage = Stage.FINAL

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy is made to differ: what was worked out of the fields is not taken along."""
        copied = super().model_copy(update=update, deep=deep)
        state: dict[str, Any] = vars(copied)
        for name in _WORKED_OUT:
            state.pop(name, None)
        return copied

    @cached_property
    def contract(self) -> OptionContract:
        return self.trade.terms.contract

    @cached_property
    def side(self) -> Side:
        return self.trade.terms.side

    @property
    def legs(self) -> tuple[Leg, ...]:
        return self.trade.terms.legs

    @cached_property
    def closing_legs(self) -> tuple[Leg, ...]:
        """The legs that are meant to close what is held: all of a close, a roll's first side."""
        return self.trade.terms.closing_legs

    @cached_property
    def opening_legs(self) -> tuple[Leg, ...]:
        """The legs not proven to close what is held."""
        return tuple(
            leg for leg in self.legs if leg not in self.closing_legs or not self.is_held(leg)
        )

    def contracts(self, leg: Leg) -> int:
        return leg.ratio * self.quantity

    def is_held(self, leg: Leg) -> bool:
        """Whether the account is known to hold the other way what ``leg`` trades in full."""
        if self.account is None:
            return False
        held = self.account.held(leg.contract.key)
        return held * leg.side.sign < 0 and abs(held) >= self.contracts(leg)

    @property
    def opened_contracts(self) -> int:
        """Of a package, the contracts of all legs that open something."""
        return sum(self.contracts(leg) for leg in self.opening_legs)

    @cached_property
    def notional(self) -> Decimal:
        """What exercise of the options opened would move: strike × multiplier × contracts."""
        return exercise_notional(self.opening_legs or self.legs) * self.quantity

    @cached_property
    def reduces_risk(self) -> bool:
        """Whether this is a close of at most what the account is known to hold the other way.

        A long option that is sold may have covered something else: the account's worst case on
        the underlying must then be no worse afterwards.
        """
        if self.account is None or self.trade.terms.action is not RecommendationAction.CLOSE:
            return False
        if self.opening_legs:
            return False
        if all(leg.side is Side.BUY for leg in self.legs):
            return True
        return never_worse_after(self.account.on(self.contract.symbol), self.legs, self.quantity)


_WORKED_OUT = ("contract", "side", "closing_legs", "opening_legs", "notional", "reduces_risk")
"""Properties of PretradeInputs that many controls ask for, and that are therefore kept."""
