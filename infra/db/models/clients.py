"""Whose money it is, and through which gateway it is reached."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.gateways import GatewayKind
from domain.risk.limits import TradingState
from infra.db.models.base import Base, enum_column


class ConnectionState(StrEnum):
    DISCONNECTED = "DISCONNECTED"
    SYNCING = "SYNCING"
    CONNECTED = "CONNECTED"


class Client(Base):
    __tablename__ = "clients"
    __table_args__ = (
        CheckConstraint("step_up_minutes > 0", name="step_up_minutes_positive"),
        CheckConstraint("two_approvers_above_notional >= 0", name="notional_not_negative"),
        CheckConstraint("two_approvers_above_max_loss >= 0", name="max_loss_not_negative"),
    )

    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    step_up_minutes: Mapped[int | None] = mapped_column(
        comment="approving needs a sign-in no older than this; null: any live session"
    )

    two_approvers_above_notional: Mapped[Decimal | None] = mapped_column(
        comment="two people approve what opens more; null: one suffices"
    )
    two_approvers_above_max_loss: Mapped[Decimal | None] = mapped_column(
        comment="two people approve what can lose more; null: one suffices"
    )

    two_people_configure: Mapped[bool] = mapped_column(
        default=False,
        server_default=text("false"),
        comment="a change of a strategy's config waits for a second person",
    )

    portfolios: Mapped[list[Portfolio]] = relationship(back_populates="client")

    def __str__(self) -> str:
        return self.name


class Portfolio(Base):
    __tablename__ = "portfolios"
    __table_args__ = (
        UniqueConstraint("client_id", "name"),
        # Lets a membership's foreign key prove that its portfolio is its client's.
        UniqueConstraint("id", "client_id"),
    )

    client_id: Mapped[UUID] = mapped_column(ForeignKey("clients.id"), index=True)
    name: Mapped[str]

    client: Mapped[Client] = relationship(back_populates="portfolios")
    accounts: Mapped[list[BrokerAccount]] = relationship(back_populates="portfolio")

    def __str__(self) -> str:
        return self.name


class Gateway(Base):
    """An IB Gateway or TWS (or the simulated one), and the lease that lets one worker trade it.

    ``lease_epoch`` only grows: whoever takes the lease raises it, and a send under an older
    epoch is refused. ``market_*`` is the broker's clock as last read.
    """

    __tablename__ = "gateways"
    __table_args__ = (
        CheckConstraint("lease_epoch >= 0", name="lease_epoch_not_negative"),
        CheckConstraint("clock_rate > 0", name="clock_rate_positive"),
    )

    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    kind: Mapped[GatewayKind] = mapped_column(enum_column(GatewayKind))
    host: Mapped[str]
    port: Mapped[int]
    client_number: Mapped[int] = mapped_column(
        default=17, comment="TWS clientId of the broker worker"
    )
    connection: Mapped[ConnectionState] = mapped_column(
        enum_column(ConnectionState), default=ConnectionState.DISCONNECTED
    )
    connection_detail: Mapped[str] = mapped_column(default="")
    connected_at: Mapped[datetime | None]
    market_at: Mapped[datetime | None]
    clock_read_at: Mapped[datetime | None]
    clock_rate: Mapped[float] = mapped_column(default=1.0)
    session_open: Mapped[bool] = mapped_column(default=False)
    session_close_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_epoch: Mapped[int] = mapped_column(BigInteger, default=0)
    lease_until: Mapped[datetime | None]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"


class BrokerAccount(Base):
    """An IBKR account code, reached through a gateway, held in a portfolio."""

    __tablename__ = "broker_accounts"
    __table_args__ = (UniqueConstraint("gateway_id", "code"),)

    portfolio_id: Mapped[UUID] = mapped_column(ForeignKey("portfolios.id"), index=True)
    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"), index=True)
    code: Mapped[str]
    alias: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="USD")
    trading_state: Mapped[TradingState] = mapped_column(
        enum_column(TradingState), default=TradingState.ACTIVE
    )
    trading_state_reason: Mapped[str] = mapped_column(default="")
    positions_synced_at: Mapped[datetime | None]
    snapshot_synced_at: Mapped[datetime | None]
    reconciled_at: Mapped[datetime | None] = mapped_column(
        comment="market time of the last comparison with the broker's books; null before the first"
    )
    opening_cash: Mapped[Decimal | None] = mapped_column(
        comment="cash when first compared, less every execution and event on record then"
    )
    cash_matched_on: Mapped[date | None] = mapped_column(
        comment="exchange date on which cash last agreed"
    )

    portfolio: Mapped[Portfolio] = relationship(back_populates="accounts")
    gateway: Mapped[Gateway] = relationship(lazy="joined")

    def __str__(self) -> str:
        """``DU1000001 · Main (SIMULATED)``: the code first, for it is what the broker prints."""
        label = f"{self.code} · {self.alias}" if self.alias else self.code
        return f"{label} ({self.gateway.kind})"
