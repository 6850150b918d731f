"""Positions and account values as last ingested."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from infra.db.models.base import Base, Price, Quantity
from infra.db.models.clients import BrokerAccount
from infra.db.models.market import Instrument


class Position(Base):
    """What the broker says an account holds. ``average_cost`` is per unit incl. multiplier."""

    __tablename__ = "positions"
    __table_args__ = (UniqueConstraint("broker_account_id", "instrument_id"),)

    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"), index=True)
    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"), index=True)
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    average_cost: Mapped[Decimal] = mapped_column(Price)
    market_price: Mapped[Decimal | None] = mapped_column(Price)
    market_value: Mapped[Decimal | None]
    unrealized_pnl: Mapped[Decimal | None]
    realized_pnl: Mapped[Decimal | None]
    daily_pnl: Mapped[Decimal | None] = mapped_column(comment="since the session before")
    as_of: Mapped[datetime]

    broker_account: Mapped[BrokerAccount] = relationship()
    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return f"{self.quantity:g} × {self.instrument}"


class AccountSnapshot(Base):
    """Account values at one moment of market time; kept whenever they changed."""

    __tablename__ = "account_snapshots"
    __table_args__ = (UniqueConstraint("broker_account_id", "as_of"),)

    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"))
    as_of: Mapped[datetime]
    currency: Mapped[str]
    net_liquidation: Mapped[Decimal]
    cash: Mapped[Decimal]
    equity_with_loan: Mapped[Decimal]
    buying_power: Mapped[Decimal]
    available_funds: Mapped[Decimal]
    excess_liquidity: Mapped[Decimal]
    init_margin: Mapped[Decimal]
    maint_margin: Mapped[Decimal]
    gross_position_value: Mapped[Decimal]

    broker_account: Mapped[BrokerAccount] = relationship()

    def __str__(self) -> str:
        return f"{self.net_liquidation:,.2f} {self.currency} at {self.as_of:%Y-%m-%d %H:%M}"
