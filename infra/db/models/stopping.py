"""Who stopped or resumed trading, and what the kill switch withdrew."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.orders import OrderState
from domain.risk.limits import TradingState
from infra.db.models.base import Base, enum_column
from infra.db.models.clients import BrokerAccount
from infra.db.models.identity import User
from infra.db.models.trading import Recommendation


class TradingStateChange(Base):
    """One change of the trading state, of an account or of the whole desk. Append-only."""

    __tablename__ = "trading_state_changes"
    __table_args__ = (
        UniqueConstraint("user_id", "idempotency_key"),
        Index("ix_trading_state_changes_scope", "broker_account_id", "id"),
    )

    broker_account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("broker_accounts.id"), comment="null: the whole desk"
    )
    before: Mapped[TradingState] = mapped_column(enum_column(TradingState, "state_before"))
    after: Mapped[TradingState] = mapped_column(enum_column(TradingState, "state_after"))
    reason: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail, or the part of the desk that acted")
    idempotency_key: Mapped[str | None]

    broker_account: Mapped[BrokerAccount | None] = relationship()
    user: Mapped[User | None] = relationship()

    def __str__(self) -> str:
        return f"{self.before} → {self.after} by {self.author}"


class KillSwitch(Base):
    """One pressing of the kill switch. Append-only; how far it came is read from the orders."""

    __tablename__ = "kill_switches"
    __table_args__ = (UniqueConstraint("user_id", "idempotency_key"),)

    broker_account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("broker_accounts.id"), comment="null: the whole desk"
    )
    digest: Mapped[str] = mapped_column(comment="of what the person saw would be withdrawn")
    reason: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    author: Mapped[str] = mapped_column(comment="user e-mail, or the command line")
    idempotency_key: Mapped[str | None]

    broker_account: Mapped[BrokerAccount | None] = relationship()
    user: Mapped[User | None] = relationship()

    def __str__(self) -> str:
        return f"kill switch, pressed by {self.author}"


class KillSwitchTrade(Base):
    """One approved trade that a pressing withdrew, as it stood then. Append-only."""

    __tablename__ = "kill_switch_trades"
    __table_args__ = (UniqueConstraint("kill_switch_id", "recommendation_id"),)

    kill_switch_id: Mapped[UUID] = mapped_column(ForeignKey("kill_switches.id"))
    recommendation_id: Mapped[UUID] = mapped_column(ForeignKey("recommendations.id"), index=True)
    order_state: Mapped[OrderState | None] = mapped_column(
        enum_column(OrderState), comment="of its latest order when pressed; null: none made"
    )

    kill_switch: Mapped[KillSwitch] = relationship()
    recommendation: Mapped[Recommendation] = relationship()

    def __str__(self) -> str:
        return f"withdrawal of {self.recommendation_id}"
