"""Backtests and sweeps of them: what was asked, how far it is, and what it found.

A backtest's status, times, stats and errors are those of its ``StrategyRun``.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from infra.db.models.base import Base, enum_column
from infra.db.models.clients import Client
from infra.db.models.strategies import RunStatus, StrategyRun


class BacktestSweep(Base):
    """One request for many backtests."""

    __tablename__ = "backtest_sweeps"
    __table_args__ = (
        CheckConstraint("(status = 'RUNNING') = (finished_at IS NULL)", name="finished_has_time"),
        CheckConstraint("total > 0", name="total_positive"),
    )

    workflow_id: Mapped[str] = mapped_column(unique=True)
    client_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("clients.id"), index=True, comment="null: the whole desk's"
    )
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail, or where it was started")
    name: Mapped[str]
    strategy: Mapped[str] = mapped_column(comment="slug or code_ref, as asked")
    request: Mapped[dict[str, Any]]
    total: Mapped[int]
    status: Mapped[RunStatus] = mapped_column(enum_column(RunStatus), default=RunStatus.RUNNING)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    errors: Mapped[list[Any]] = mapped_column(default=list)

    client: Mapped[Client | None] = relationship()

    def __str__(self) -> str:
        return f"{self.name} ({self.total} backtests)"


class Backtest(Base):
    """What a backtest has beyond its run.

    ``key`` is its workflow's id, in a sweep followed by its place: whatever is retried finds the
    row it wrote before.
    """

    __tablename__ = "backtests"
    __table_args__ = (UniqueConstraint("sweep_id", "position"),)

    strategy_run_id: Mapped[UUID] = mapped_column(ForeignKey("strategy_runs.id"), unique=True)
    key: Mapped[str] = mapped_column(unique=True)
    sweep_id: Mapped[UUID | None] = mapped_column(ForeignKey("backtest_sweeps.id"))
    position: Mapped[int | None] = mapped_column(comment="place in its sweep, from 0")
    client_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("clients.id"), index=True, comment="null: the whole desk's"
    )
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail, or where it was started")
    name: Mapped[str]
    strategy: Mapped[str] = mapped_column(comment="slug or code_ref, as asked")
    request: Mapped[dict[str, Any]]
    request_digest: Mapped[str]
    progress: Mapped[dict[str, Any] | None] = mapped_column(comment="timestamps done, of, session")
    data_label: Mapped[str] = mapped_column(default="")
    data_digest: Mapped[str] = mapped_column(default="", comment="SHA-256 of what was read")
    result_digest: Mapped[str] = mapped_column(
        default="", comment="SHA-256 of inputs and outputs; equal inputs give an equal one"
    )
    document: Mapped[bytes | None] = mapped_column(
        LargeBinary, deferred=True, comment="equity, trades, fills, events: gzipped JSON"
    )

    strategy_run: Mapped[StrategyRun] = relationship(lazy="joined")
    sweep: Mapped[BacktestSweep | None] = relationship()
    client: Mapped[Client | None] = relationship()

    def __str__(self) -> str:
        return self.name
