"""The controls between an approval and an order: each one small, all of them always evaluated.

A control answers with a RuleResult. What it cannot see, it refuses: a missing quote, account or
margin preview is a denial, never a guess. Closes that are proven to reduce risk are exempt from
limits on size and margin, because refusing them would keep the risk on.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field

from domain.instruments import Frozen, OptionContract, Side
from domain.market import Quote
from domain.portfolio import ZERO, AccountState
from domain.recommendations import ApprovedTrade, RecommendationAction
from domain.risk.state import RiskState


class TradingState(StrEnum):
    """ACTIVE trades; REDUCING and HALTED let through only what is proven to reduce risk."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class Stage(StrEnum):
    """Whether the broker's margin preview is still to come or must be at hand."""

    BEFORE_PREVIEW = "BEFORE_PREVIEW"
    FINAL = "FINAL"


class Limits(Frozen):
    """What an account may do. The defaults are meant for a cautious first month."""

    max_contracts: int = Field(default=10, ge=1, description="contracts per order")
    max_notional: Decimal = Field(
        default=Decimal(250_000), gt=0, description="strike × multiplier × contracts per order"
    )
    max_quote_age_seconds: int = Field(default=30, ge=1, description="market seconds")
    max_account_age_seconds: int = Field(default=300, ge=1, description="market seconds")
    max_pm_usage: Decimal = Field(
        default=Decimal("0.5"), gt=0, le=1, description="maintenance margin over equity, after"
    )
    min_available_funds: Decimal = Field(
        default=ZERO, description="equity with loan less initial margin, after the trade"
    )
    collar_fraction: Decimal = Field(
        default=Decimal("0.1"),
        gt=0,
        le=1,
        description="how far through the market a limit may be, of the price it would meet",
    )
    max_price_over_mid: Decimal = Field(
        default=Decimal(2), gt=1, description="a limit beyond this multiple of mid is a mistake"
    )
    require_covered: bool = Field(
        default=True,
        description="short puts must be covered by cash, short calls by shares",
    )


class MarginPreview(Frozen):
    """The broker's what-if for one order, in the account's currency."""

    init_margin_after: Decimal
    maint_margin_after: Decimal
    equity_with_loan_after: Decimal
    commission: Decimal | None = None


class PretradeInputs(Frozen):
    """Everything the controls look at. None means "not known" and denies where it matters.

    ``quantity`` and ``limit_price`` are those of the order about to be built, which may be less
    than the approval (a walk, a partial fill). ``account`` is the freshest reading;
    ``open_order_keys`` are other orders of ours on the same contract;
    ``committed_assignment_cash`` is what our other working short-put orders would need.
    """

    trade: ApprovedTrade
    quantity: int = Field(ge=1)
    limit_price: Decimal = Field(gt=0)
    quote: Quote | None
    account: AccountState | None
    risk: RiskState | None
    limits: Limits
    trading_state: TradingState
    market_now: AwareDatetime
    today: date = Field(description="exchange date at market_now")
    session_open: bool | None
    what_if: MarginPreview | None = None
    open_order_keys: tuple[str, ...] = ()
    committed_assignment_cash: Decimal = Field(default=ZERO, ge=0)
    stage: Stage = Stage.FINAL

    @property
    def contract(self) -> OptionContract:
        return self.trade.terms.contract

    @property
    def side(self) -> Side:
        return self.trade.terms.side

    @property
    def notional(self) -> Decimal:
        """What assignment of the whole order would move: strike × multiplier × contracts."""
        return self.contract.strike * self.contract.multiplier * self.quantity

    @property
    def reduces_risk(self) -> bool:
        """Whether this is a close of at most what the account is known to hold the other way."""
        if self.account is None or self.trade.terms.action is not RecommendationAction.CLOSE:
            return False
        held = self.account.held(self.contract.key)
        return held * self.side.sign < 0 and abs(held) >= self.quantity
