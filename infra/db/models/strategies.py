"""Strategies, their runs, and what the runs found."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.instruments import Side
from domain.recommendations import RecommendationAction
from infra.db.models.base import Base, Price, enum_column
from infra.db.models.clients import BrokerAccount, Portfolio
from infra.db.models.market import Instrument


class RunMode(StrEnum):
    LIVE = "LIVE"
    BACKTEST = "BACKTEST"


class RunStatus(StrEnum):
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Strategy(Base):
    __tablename__ = "strategies"

    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")

    def __str__(self) -> str:
        return self.name


class StrategyVersion(Base):
    """Code at one version. ``code_ref`` is ``module:Class``, resolved at every run."""

    __tablename__ = "strategy_versions"
    __table_args__ = (UniqueConstraint("strategy_id", "version"),)

    strategy_id: Mapped[UUID] = mapped_column(ForeignKey("strategies.id"))
    version: Mapped[str]
    code_ref: Mapped[str]
    config_schema: Mapped[dict[str, Any]]

    strategy: Mapped[Strategy] = relationship(lazy="joined")

    def __str__(self) -> str:
        return f"{self.strategy} {self.version}"


class StrategyInstance(Base):
    """A version with a config, set to work on one account of one portfolio."""

    __tablename__ = "strategy_instances"
    __table_args__ = (UniqueConstraint("portfolio_id", "name"),)

    strategy_version_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_versions.id"))
    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"), index=True)
    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"), index=True)
    name: Mapped[str]
    config: Mapped[dict[str, Any]]
    enabled: Mapped[bool] = mapped_column(default=False)

    strategy_version: Mapped[StrategyVersion] = relationship()
    portfolio: Mapped[Portfolio] = relationship()
    broker_account: Mapped[BrokerAccount] = relationship()

    def __str__(self) -> str:
        return self.name


class StrategyConfigVersion(Base):
    """An instance's config from its making on, until the next version. Append-only.

    The instance itself holds the newest. One that was never changed may have no version yet: it
    then counts as its first.
    """

    __tablename__ = "strategy_config_versions"
    __table_args__ = (
        UniqueConstraint("strategy_instance_id", "version"),
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("version > 0", name="version_positive"),
    )

    strategy_instance_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_instances.id"))
    version: Mapped[int]
    config: Mapped[dict[str, Any]]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail, or the part of the desk that acted")
    reason: Mapped[str] = mapped_column(default="")
    idempotency_key: Mapped[str | None]

    strategy_instance: Mapped[StrategyInstance] = relationship()

    def __str__(self) -> str:
        return f"config version {self.version}"


class ProposalState(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    # By whoever proposed it.
    WITHDRAWN = "WITHDRAWN"
    # Another change came into force, once the client asked for one person only.
    SUPERSEDED = "SUPERSEDED"


class ConfigProposal(Base):
    """A change of an instance's config by one person that waits, or waited, for another's word."""

    __tablename__ = "config_proposals"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        CheckConstraint("(state = 'PENDING') = (decided_at IS NULL)", name="decided_has_time"),
        CheckConstraint(
            "(state = 'APPROVED') = (version IS NOT NULL)", name="approved_has_version"
        ),
        CheckConstraint(
            "state <> 'APPROVED' OR decided_by_id <> user_id", name="approved_by_somebody_else"
        ),
        Index(
            "uq_config_proposals_pending",
            "strategy_instance_id",
            unique=True,
            postgresql_where=text("state = 'PENDING'"),
        ),
    )

    strategy_instance_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_instances.id"))
    based_on: Mapped[int] = mapped_column(comment="the version it changes")
    config: Mapped[dict[str, Any]]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail")
    reason: Mapped[str] = mapped_column(default="")
    idempotency_key: Mapped[str]
    state: Mapped[ProposalState] = mapped_column(
        enum_column(ProposalState), default=ProposalState.PENDING
    )
    decided_by_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    decided_by: Mapped[str | None] = mapped_column(comment="user e-mail")
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str | None]
    version: Mapped[int | None] = mapped_column(comment="the version it became")

    strategy_instance: Mapped[StrategyInstance] = relationship()

    def __str__(self) -> str:
        return f"{self.state} change by {self.author}"


class StrategyRun(Base):
    """A live run is one of an instance; a backtest needs none, and has a ``Backtest`` beside it."""

    __tablename__ = "strategy_runs"
    __table_args__ = (
        CheckConstraint("(status = 'RUNNING') = (finished_at IS NULL)", name="finished_has_time"),
        CheckConstraint(
            "mode = 'BACKTEST' OR strategy_instance_id IS NOT NULL", name="live_has_instance"
        ),
        Index("ix_strategy_runs_instance_started", "strategy_instance_id", "started_at"),
    )

    strategy_instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("strategy_instances.id"))
    mode: Mapped[RunMode] = mapped_column(enum_column(RunMode))
    status: Mapped[RunStatus] = mapped_column(enum_column(RunStatus), default=RunStatus.RUNNING)
    workflow_id: Mapped[str] = mapped_column(index=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    market_at: Mapped[datetime | None]
    stats: Mapped[dict[str, Any]] = mapped_column(default=dict)
    errors: Mapped[list[Any]] = mapped_column(default=list)

    strategy_instance: Mapped[StrategyInstance | None] = relationship()

    def __str__(self) -> str:
        return f"{self.mode} run of {self.started_at:%Y-%m-%d %H:%M}"


class Signal(Base):
    """What a strategy saw in one underlying, whether or not it led to anything."""

    __tablename__ = "signals"

    strategy_run_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_runs.id"), index=True)
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"))
    symbol: Mapped[str]
    kind: Mapped[str]
    summary: Mapped[str]
    facts: Mapped[dict[str, Any]]

    strategy_run: Mapped[StrategyRun] = relationship()

    def __str__(self) -> str:
        return f"{self.symbol}: {self.kind}"


class Opportunity(Base):
    """A concrete contract with its metrics, recommended or not, and why."""

    __tablename__ = "opportunities"
    __table_args__ = (UniqueConstraint("strategy_run_id", "instrument_id", "action"),)

    strategy_run_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_runs.id"), index=True)
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), index=True)
    action: Mapped[RecommendationAction] = mapped_column(enum_column(RecommendationAction))
    side: Mapped[Side] = mapped_column(enum_column(Side))
    rank: Mapped[int]
    score: Mapped[float]
    bid: Mapped[Decimal] = mapped_column(Price)
    ask: Mapped[Decimal] = mapped_column(Price)
    metrics: Mapped[dict[str, Any]]
    rules: Mapped[list[Any]] = mapped_column(comment="RuleResult of every rule")
    recommended: Mapped[bool]
    why_not: Mapped[str] = mapped_column(default="")

    strategy_run: Mapped[StrategyRun] = relationship()
    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return f"#{self.rank} {self.instrument}"
