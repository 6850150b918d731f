"""Recommendations, the decisions on them, and the orders and executions that follow.

The invariants of the order algorithm stand here as constraints, so that no bug above can break
them: one decision per recommendation, one order per key and per attempt, one row per execId.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    UniqueConstraint,
    false,
    func,
    text,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.errors import ErrorCode
from domain.instruments import Side
from domain.orders import OrderState
from domain.recommendations import DecisionAction, RecommendationAction, RecommendationState
from infra.db.models.base import Base, Price, Quantity, code_column, enum_column
from infra.db.models.clients import BrokerAccount, Gateway, Portfolio
from infra.db.models.identity import User
from infra.db.models.market import Instrument
from infra.db.models.strategies import Opportunity, StrategyInstance, StrategyRun, StrategyVersion


class Recommendation(Base):
    """Immutable terms offered for approval. Only ``state`` and its reason ever change.

    Every owner is named explicitly: no foreign key has a default, so a recommendation can
    never land on an account by accident.
    """

    __tablename__ = "recommendations"
    __table_args__ = (
        Index("ix_recommendations_state_deadline", "state", "deadline"),
        Index("ix_recommendations_account_created", "broker_account_id", "created_at"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    strategy_run_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_runs.id"), index=True)
    strategy_instance_id: Mapped[UUID] = mapped_column(
        ForeignKey("strategy_instances.id"), index=True
    )
    strategy_version_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_versions.id"))
    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"), index=True)
    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"))
    opportunity_id: Mapped[UUID] = mapped_column(ForeignKey("opportunities.id"))
    instrument_id: Mapped[UUID] = mapped_column(
        ForeignKey("instruments.id"), index=True, comment="of a package, the leg it is filed under"
    )

    state: Mapped[RecommendationState] = mapped_column(
        enum_column(RecommendationState), default=RecommendationState.PROPOSED
    )
    action: Mapped[RecommendationAction] = mapped_column(enum_column(RecommendationAction))
    side: Mapped[Side] = mapped_column(enum_column(Side))
    quantity: Mapped[int]
    limit_price: Mapped[Decimal] = mapped_column(Price)
    floor_price: Mapped[Decimal] = mapped_column(Price)
    terms: Mapped[dict[str, Any]]
    terms_hash: Mapped[str] = mapped_column(index=True)
    deadline: Mapped[datetime] = mapped_column(comment="market time")
    proposed_at: Mapped[datetime] = mapped_column(comment="market time")
    summary: Mapped[str]
    rationale: Mapped[str]
    confidence: Mapped[float]
    rule_trace: Mapped[list[Any]]
    metrics: Mapped[dict[str, Any]]
    predecessor_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("recommendations.id"), unique=True, comment="denied one this succeeds"
    )
    superseded_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("recommendations.id"))
    reason_code: Mapped[ErrorCode | None] = mapped_column(code_column(ErrorCode))
    reason: Mapped[str] = mapped_column(default="")
    controls: Mapped[list[Any]] = mapped_column(
        default=list, comment="pre-trade controls of the latest attempt"
    )
    what_if: Mapped[dict[str, Any] | None] = mapped_column(comment="broker's margin preview")
    own_margin: Mapped[dict[str, Any] | None] = mapped_column(
        comment="our estimate of the same margin"
    )
    limits: Mapped[dict[str, Any] | None] = mapped_column(
        comment="limits of the latest attempt: values, sources, versions"
    )
    workflow_seen_at: Mapped[datetime | None] = mapped_column(
        comment="when its workflow first read it; null means start the workflow again"
    )
    first_approved_at: Mapped[datetime | None] = mapped_column(
        comment="when the first of two people approved"
    )
    withdrawn_at: Mapped[datetime | None] = mapped_column(
        comment="when a person asked for no further attempt"
    )
    concluded_at: Mapped[datetime | None]

    strategy_run: Mapped[StrategyRun] = relationship()
    strategy_instance: Mapped[StrategyInstance] = relationship()
    strategy_version: Mapped[StrategyVersion] = relationship()
    portfolio: Mapped[Portfolio] = relationship()
    broker_account: Mapped[BrokerAccount] = relationship()
    opportunity: Mapped[Opportunity] = relationship()
    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return self.summary


class Approval(Base):
    """One of two approvals that a trade above the client's limits takes. Authorises nothing.

    The second, by somebody else and of the same quantity and limit, makes the Decision.
    """

    __tablename__ = "approvals"
    __table_args__ = (
        UniqueConstraint("recommendation_id", "user_id"),
        UniqueConstraint("user_id", "idempotency_key"),
    )

    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    terms_hash: Mapped[str]
    quantity: Mapped[int | None]
    limit_price: Mapped[Decimal | None] = mapped_column(Price)
    idempotency_key: Mapped[str]
    approved_at: Mapped[datetime]

    recommendation: Mapped[Recommendation] = relationship()

    def __str__(self) -> str:
        return f"approval by {self.user_id}"


class Decision(Base):
    """What a person decided; the only thing that can authorise an order."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("recommendation_id"),
        UniqueConstraint("user_id", "idempotency_key"),
        # Lets an order's foreign key prove that its decision belongs to its recommendation.
        UniqueConstraint("id", "recommendation_id", "action"),
        CheckConstraint("quantity IS NULL OR quantity > 0", name="quantity_positive"),
    )

    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"))
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    action: Mapped[DecisionAction] = mapped_column(enum_column(DecisionAction))
    terms_hash: Mapped[str]
    quantity: Mapped[int | None]
    limit_price: Mapped[Decimal | None] = mapped_column(Price)
    reason: Mapped[str | None]
    idempotency_key: Mapped[str]
    decided_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None] = mapped_column(
        comment="when the workflow read it; null means deliver it again"
    )

    recommendation: Mapped[Recommendation] = relationship()
    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return f"{self.action} of {self.recommendation_id}"


class Order(Base):
    """One attempt at the broker. Its state moves only by folding evidence."""

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("recommendation_id", "attempt"),
        ForeignKeyConstraint(
            ["decision_id", "recommendation_id", "decision_action"],
            ["decisions.id", "decisions.recommendation_id", "decisions.action"],
            name="fk_orders_approval",
        ),
        UniqueConstraint("gateway_id", "client_number", "broker_order_id", "lease_epoch"),
        CheckConstraint("decision_action = 'APPROVE'", name="decision_is_approval"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("filled_quantity >= 0", name="filled_not_negative"),
        CheckConstraint("attempt > 0", name="attempt_positive"),
        CheckConstraint(
            "state IN ('READY', 'DENIED', 'QUARANTINE') OR broker_order_id IS NOT NULL",
            name="sent_orders_have_ids",
        ),
        Index("ix_orders_state", "state"),
        Index("ix_orders_account_created", "broker_account_id", "created_at"),
        Index("ix_orders_account_sent_market", "broker_account_id", "sent_market_at"),
    )

    order_key: Mapped[str] = mapped_column(unique=True)
    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"))
    decision_id: Mapped[UUID]
    decision_action: Mapped[DecisionAction] = mapped_column(
        enum_column(DecisionAction), default=DecisionAction.APPROVE
    )
    attempt: Mapped[int]
    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"))
    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"), index=True)
    instrument_id: Mapped[UUID] = mapped_column(
        ForeignKey("instruments.id"),
        comment="of a package, the leg it is filed under; all are in intent",
    )
    side: Mapped[Side] = mapped_column(enum_column(Side))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    limit_price: Mapped[Decimal] = mapped_column(Price)
    tif: Mapped[str] = mapped_column(default="DAY")
    state: Mapped[OrderState] = mapped_column(enum_column(OrderState), default=OrderState.READY)
    reason_code: Mapped[ErrorCode | None] = mapped_column(code_column(ErrorCode))
    reason: Mapped[str] = mapped_column(default="")
    intent: Mapped[dict[str, Any]]
    notional: Mapped[Decimal | None] = mapped_column(
        comment="what exercise of every opened leg would move; zero for a close"
    )
    controls: Mapped[list[Any]] = mapped_column(
        default=list, server_default=text("'[]'"), comment="pre-trade controls it passed"
    )
    what_if: Mapped[dict[str, Any] | None] = mapped_column(comment="broker's margin preview")
    own_margin: Mapped[dict[str, Any] | None] = mapped_column(
        comment="our estimate of the same margin"
    )
    limits: Mapped[dict[str, Any] | None] = mapped_column(
        comment="limits it was judged by: values, sources, versions"
    )
    broker_order_id: Mapped[int | None] = mapped_column(BigInteger)
    client_number: Mapped[int | None]
    lease_epoch: Mapped[int | None] = mapped_column(BigInteger)
    perm_id: Mapped[int | None] = mapped_column(BigInteger)
    broker_status: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    absent_looks: Mapped[int] = mapped_column(
        default=0, comment="complete, spaced looks at the broker's books that did not find it"
    )
    last_absent_at: Mapped[datetime | None] = mapped_column(comment="market time of the last one")
    last_look: Mapped[dict[str, Any] | None] = mapped_column(
        comment="what the last complete, spaced look at the broker's books said of it"
    )
    position_before: Mapped[dict[str, Any] | None] = mapped_column(
        comment="the account's position in the contract as known when the order was claimed"
    )
    declared_quantity: Mapped[Decimal | None] = mapped_column(
        Quantity, comment="executed in all, as a person declared it"
    )
    filled_quantity: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    average_price: Mapped[Decimal | None] = mapped_column(Price)
    sent_at: Mapped[datetime | None]
    sent_market_at: Mapped[datetime | None] = mapped_column(comment="market time of the claim")
    acknowledged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    recommendation: Mapped[Recommendation] = relationship()
    broker_account: Mapped[BrokerAccount] = relationship()
    gateway: Mapped[Gateway] = relationship()
    instrument: Mapped[Instrument] = relationship()
    executions: Mapped[list[Execution]] = relationship(back_populates="order")

    @hybrid_property
    def traded_quantity(self) -> Decimal:
        """What counts against the approval: executions, or more where a person declared more."""
        return max(self.filled_quantity, self.declared_quantity or Decimal(0))

    @traded_quantity.inplace.expression
    @classmethod
    def _traded_quantity(cls) -> ColumnElement[Decimal]:
        return func.greatest(cls.filled_quantity, func.coalesce(cls.declared_quantity, 0))

    def __str__(self) -> str:
        return f"{self.side} {self.quantity:g} {self.instrument_id} @ {self.limit_price:g}"


class OrderEvent(Base):
    """Everything learnt about an order, and every broker message, as it arrived.

    Append-only. ``order_id`` is null for what belongs to no order of ours.
    """

    __tablename__ = "order_events"
    __table_args__ = (Index("ix_order_events_order_created", "order_id", "created_at"),)

    order_id: Mapped[UUID | None] = mapped_column(ForeignKey("orders.id"))
    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"), index=True)
    kind: Mapped[str]
    order_ref: Mapped[str | None] = mapped_column(index=True)
    exec_id: Mapped[str | None] = mapped_column(index=True)
    perm_id: Mapped[int | None] = mapped_column(BigInteger)
    state_before: Mapped[OrderState | None] = mapped_column(enum_column(OrderState, "state_before"))
    state_after: Mapped[OrderState | None] = mapped_column(enum_column(OrderState, "state_after"))
    payload: Mapped[dict[str, Any]]

    order: Mapped[Order | None] = relationship()

    def __str__(self) -> str:
        return self.kind


class Execution(Base):
    """One broker fill. A correction is a row of its own that supersedes its lineage."""

    __tablename__ = "executions"
    __table_args__ = (
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        Index("ix_executions_account_executed", "broker_account_id", "executed_at"),
    )

    exec_id: Mapped[str] = mapped_column(unique=True)
    lineage: Mapped[str] = mapped_column(index=True, comment="execId without its revision")
    superseded: Mapped[bool] = mapped_column(default=False)
    order_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("orders.id"), index=True, comment="null: traded outside the desk"
    )
    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"))
    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"))
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"))
    con_id: Mapped[int] = mapped_column(BigInteger)
    is_package: Mapped[bool] = mapped_column(
        default=False,
        server_default=false(),
        comment="of a package at its net price; its legs have rows of their own",
    )
    side: Mapped[Side] = mapped_column(enum_column(Side))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    price: Mapped[Decimal] = mapped_column(Price)
    executed_at: Mapped[datetime]
    order_ref: Mapped[str] = mapped_column(default="")
    perm_id: Mapped[int] = mapped_column(BigInteger)
    broker_order_id: Mapped[int] = mapped_column(BigInteger, default=0)
    client_number: Mapped[int] = mapped_column(default=0)
    commission: Mapped[Decimal | None]
    commission_currency: Mapped[str | None]
    realized_pnl: Mapped[Decimal | None]

    order: Mapped[Order | None] = relationship(back_populates="executions")
    broker_account: Mapped[BrokerAccount] = relationship()
    instrument: Mapped[Instrument | None] = relationship()

    def __str__(self) -> str:
        return f"{self.side} {self.quantity:g} @ {self.price:g}"
