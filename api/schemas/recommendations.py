"""Recommendations, and the decisions a person makes on them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, StringConstraints

from api.schemas.common import (
    AccountBrief,
    Answer,
    Ask,
    ContractBrief,
    Exact,
    LegBrief,
    UtcTime,
)
from api.schemas.orders import OrderWithExecutions
from domain.errors import ErrorCode
from domain.instruments import Side
from domain.market import QuoteQuality
from domain.orders import OrderState
from domain.recommendations import (
    DecisionAction,
    RecommendationAction,
    RecommendationState,
    RuleResult,
    Terms,
)
from domain.risk.control_words import Figure
from domain.risk.trade_margin import TradeMargin


class Metrics(Answer):
    """A contract in numbers; what could not be measured is null."""

    ror: float | None = Field(description="credit over collateral, decimal")
    ror_annualised: float | None
    delta: float | None = Field(description="the holder's")
    dte: float | None = Field(description="calendar days to expiry")
    iv: float | None = Field(description="annualised, decimal")
    pop: float | None = Field(description="estimated, 0..1")
    breakeven: float | None = Field(description="underlying price at expiry")
    max_loss: float | None = Field(description="per contract")
    spread_fraction: float | None = Field(description="(ask − bid) / mid")
    open_interest: float | None
    volume: float | None


class StrategyBrief(Answer):
    instance_id: UUID
    name: str
    slug: str


class RecommendationRow(Answer):
    id: UUID
    state: RecommendationState
    action: RecommendationAction
    side: Side
    summary: str
    symbol: str
    contract: ContractBrief = Field(description="of a package, the leg it is filed under")
    legs: list[LegBrief]
    trade: str = Field(description="what is traded, in words")
    quantity: int = Field(description="contracts, or units of a package")
    limit_price: Exact = Field(description="of a package net, negative a credit")
    floor_price: Exact
    credit: Exact = Field(description="at the limit, for the whole quantity; positive is received")
    terms_hash: str
    deadline: UtcTime = Field(description="market time")
    proposed_at: UtcTime = Field(description="market time")
    confidence: float
    metrics: Metrics
    margin_change: float | None = Field(
        description="of maintenance margin in the manner of TIMS, our estimate"
    )
    quote_quality: QuoteQuality | None = Field(
        description="of the latest quote; of a package, of the leg it is filed under"
    )
    account: AccountBrief
    client_id: UUID
    strategy: StrategyBrief
    reason_code: ErrorCode | None
    reason: str
    order_state: OrderState | None = Field(description="of the latest attempt")
    filled_quantity: Exact
    first_approved_at: UtcTime | None = Field(
        description="when the first of two people approved; it waits for the second"
    )
    created_at: UtcTime


class DecisionAnswer(Answer):
    id: UUID
    action: DecisionAction
    by: str
    by_id: UUID
    decided_at: UtcTime
    quantity: int | None
    limit_price: Exact | None
    reason: str | None
    delivered_at: UtcTime | None = Field(description="when the workflow read it")


class ApprovalAnswer(Answer):
    """One of two approvals."""

    by: str
    by_id: UUID
    approved_at: UtcTime
    quantity: int | None
    limit_price: Exact | None


class TimelineEntry(Answer):
    """One step in the life of a recommendation, oldest first, in host time."""

    at: UtcTime
    kind: str
    title: str
    detail: str


class ControlAnswer(Answer):
    """One pre-trade control's answer: as recorded, and in words."""

    rule: str
    label: str = Field(description="what is looked at")
    sentence: str = Field(description="value and limit in words")
    figure: Figure = Field(description="what the numbers in value and threshold are")
    value: str
    threshold: str
    passed: bool
    code: ErrorCode | None


class RecommendationDetail(RecommendationRow):
    terms: Terms
    rationale: str
    advice: str | None = Field(description="what to do about `reason_code`")
    rule_trace: list[RuleResult]
    controls: list[ControlAnswer] = Field(description="pre-trade controls of the latest attempt")
    what_if: dict[str, Any] | None = Field(description="the broker's margin preview")
    own_margin: TradeMargin | None = Field(
        description="our estimate of the same margin; null while there is none"
    )
    assignment_cash: Exact | None = Field(
        description="strike × multiplier × contracts of the puts sold, less what a roll gives back"
    )
    decision: DecisionAnswer | None
    needs_two_approvers: bool = Field(description="for the whole quantity")
    approvals: list[ApprovalAnswer] = Field(description="of two, oldest first")
    orders: list[OrderWithExecutions]
    timeline: list[TimelineEntry]
    workflow_id: str
    workflow_url: str
    predecessor_id: UUID | None
    successor_id: UUID | None
    superseded_by_id: UUID | None
    may_decide: bool
    may_decide_why_not: str | None


TermsHash = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ApproveAsk(Ask):
    """Approval of exactly the terms that were on screen, or of less at a better limit."""

    terms_hash: TermsHash
    quantity: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    limit_price: Annotated[
        Decimal | None,
        Field(max_digits=18, decimal_places=6, description="of a package net, negative a credit"),
    ] = None


class RejectAsk(Ask):
    terms_hash: TermsHash
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class DecisionReceipt(Answer):
    """The decision is on record. ``delivered`` false: the workflow will have it shortly.

    Where two people must approve, the first approval is on record and ``decision_id`` null: nothing
    happens before somebody else approves as well.
    """

    recommendation_id: UUID
    decision_id: UUID | None
    awaits_second_approver: bool = False
    action: DecisionAction
    state: RecommendationState
    delivered: bool
    decided_at: UtcTime


class RejectedItem(Ask):
    recommendation_id: UUID
    terms_hash: TermsHash


class BulkRejectAsk(Ask):
    """Several rejections with one reason; each names the terms that were on screen."""

    items: Annotated[list[RejectedItem], Field(min_length=1, max_length=100)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Refusal(Answer):
    """Why one of several was refused, as a problem of its own would say it."""

    code: ErrorCode
    title: str
    detail: str
    advice: str


class BulkRejectionItem(Answer):
    receipt: DecisionReceipt | None = Field(description="null where it was refused")
    refusal: Refusal | None


class BulkRejection(Answer):
    items: list[BulkRejectionItem] = Field(description="in the order in which they were asked")
