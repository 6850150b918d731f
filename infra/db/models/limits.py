"""Limits as data: every version of what each scope says, who said it and why."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.risk.limits import LimitScope
from infra.db.models.base import Base, enum_column
from infra.db.models.identity import User


class LimitVersion(Base):
    """One scope's limits from its making on, until the next version. Append-only.

    The owner of a scope is the one key of that kind; the whole desk has none.
    """

    __tablename__ = "limit_versions"
    __table_args__ = (
        UniqueConstraint(
            "scope",
            "client_id",
            "portfolio_id",
            "broker_account_id",
            "strategy_instance_id",
            "version",
            name="uq_limit_versions_version",
            postgresql_nulls_not_distinct=True,
        ),
        CheckConstraint("version > 0", name="version_positive"),
        CheckConstraint(
            "(client_id IS NOT NULL) = (scope = 'CLIENT') AND "
            "(portfolio_id IS NOT NULL) = (scope = 'PORTFOLIO') AND "
            "(broker_account_id IS NOT NULL) = (scope = 'ACCOUNT') AND "
            "(strategy_instance_id IS NOT NULL) = (scope = 'STRATEGY')",
            name="owner_of_scope",
        ),
    )

    scope: Mapped[LimitScope] = mapped_column(enum_column(LimitScope))
    client_id: Mapped[UUID | None] = mapped_column(ForeignKey("clients.id"))
    portfolio_id: Mapped[UUID | None] = mapped_column(ForeignKey("portfolios.id"))
    broker_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("broker_accounts.id"))
    strategy_instance_id: Mapped[UUID | None] = mapped_column(ForeignKey("strategy_instances.id"))
    version: Mapped[int]
    limits: Mapped[dict[str, Any]] = mapped_column(comment="only those that the scope sets")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail, or the part of the desk that acted")
    reason: Mapped[str]

    user: Mapped[User | None] = relationship()

    def __str__(self) -> str:
        return f"{self.scope} limits, version {self.version}"
