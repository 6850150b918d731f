"""What the pre-trade controls look at, and how one of them puts its answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode
from domain.instruments import Frozen, OptionContract, Side, plain
from domain.market import Quote
from domain.portfolio import ZERO, AccountState
from domain.recommendations import ApprovedTrade, RecommendationAction, RuleResult
from domain.risk.limits import Limits, TradingState
from domain.risk.state import RiskState

MISSING = "missing"


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


def judged(
    rule: str, value: object, threshold: object, passed: bool, code: ErrorCode
) -> RuleResult:
    return RuleResult(
        rule=rule,
        value=written(value),
        threshold=written(threshold),
        passed=passed,
        code=None if passed else code,
    )


def written(value: object) -> str:
    if value is None:
        return MISSING
    return plain(value) if isinstance(value, Decimal) else str(value)


def exempt(rule: str, value: object) -> RuleResult:
    """A limit that does not bind a close proven to reduce risk."""
    return RuleResult(rule=rule, value=written(value), threshold="none: reduces risk", passed=True)
