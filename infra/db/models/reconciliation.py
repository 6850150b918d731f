"""What the comparison with the broker's books rests on, and what it found."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.corporate_actions import CorporateActionKind
from domain.discrepancies import DiscrepancyType
from domain.instruments import Side
from domain.order_evidence import BrokerStatus
from domain.position_events import PositionEventKind
from domain.severity import Severity
from infra.db.models.base import Base, Price, Quantity, enum_column
from infra.db.models.clients import BrokerAccount, Gateway
from infra.db.models.market import Instrument


class ReconciledPosition(Base):
    """One position as last agreed with the broker.

    What is expected now is ``opening_quantity`` (held when the account was first looked at) plus
    every execution and every position event on record.
    """

    __tablename__ = "reconciled_positions"
    __table_args__ = (UniqueConstraint("broker_account_id", "con_id"),)

    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"))
    con_id: Mapped[int] = mapped_column(BigInteger)
    opening_quantity: Mapped[Decimal] = mapped_column(Quantity, default=Decimal(0))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    average_cost: Mapped[Decimal | None] = mapped_column(Price)

    broker_account: Mapped[BrokerAccount] = relationship()

    def __str__(self) -> str:
        return f"{self.quantity:g} × conId {self.con_id}"


class PositionEvent(Base):
    """A position, or cash, that changed without an execution: expiry, assignment, split, …

    Append-only. ``cash`` is null where the broker did not tell what it paid.
    """

    __tablename__ = "position_events"
    __table_args__ = (Index("ix_position_events_account_con", "broker_account_id", "con_id"),)

    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"))
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"), index=True)
    con_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[PositionEventKind] = mapped_column(enum_column(PositionEventKind))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    cash: Mapped[Decimal | None]
    price: Mapped[Decimal | None] = mapped_column(Price)
    cause_con_id: Mapped[int | None] = mapped_column(
        BigInteger, comment="the option that delivered, or the contract that was adjusted"
    )
    market_at: Mapped[datetime] = mapped_column(comment="market time of the look that found it")
    detail: Mapped[str] = mapped_column(default="")

    broker_account: Mapped[BrokerAccount] = relationship()
    instrument: Mapped[Instrument | None] = relationship()

    def __str__(self) -> str:
        return self.detail or self.kind.value


class Discrepancy(Base):
    """Something in which the broker's books differ from ours. One row while it lasts.

    ``raised_at`` is null until it is confirmed: a single look may fall between two of the
    broker's own books.
    """

    __tablename__ = "discrepancies"
    __table_args__ = (
        Index(
            "uq_discrepancies_open_subject",
            "type",
            "subject",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        ),
        Index("ix_discrepancies_account_seen", "broker_account_id", "last_seen_at"),
        CheckConstraint("looks > 0", name="looks_positive"),
    )

    type: Mapped[DiscrepancyType] = mapped_column(enum_column(DiscrepancyType))
    severity: Mapped[Severity] = mapped_column(enum_column(Severity))
    subject: Mapped[str] = mapped_column(comment="what it is about, e.g. DU1000001:756733")
    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"), index=True)
    broker_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("broker_accounts.id"))
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"))
    con_id: Mapped[int | None] = mapped_column(BigInteger)
    expected: Mapped[str] = mapped_column(default="", comment="by our record")
    actual: Mapped[str] = mapped_column(default="", comment="at the broker")
    detail: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    looks: Mapped[int] = mapped_column(default=1)
    first_seen_at: Mapped[datetime]
    first_seen_market_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    raised_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]

    gateway: Mapped[Gateway] = relationship()
    broker_account: Mapped[BrokerAccount | None] = relationship()
    instrument: Mapped[Instrument | None] = relationship()

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"


class ExternalOrder(Base):
    """An order made outside the desk: by hand in TWS, or by another program.

    Adopted so that cash, duplicates and own-order checks count it; never sent, changed or
    cancelled by the desk.
    """

    __tablename__ = "external_orders"
    __table_args__ = (UniqueConstraint("gateway_id", "perm_id"),)

    gateway_id: Mapped[UUID] = mapped_column(ForeignKey("gateways.id"))
    broker_account_id: Mapped[UUID] = mapped_column(ForeignKey("broker_accounts.id"), index=True)
    instrument_id: Mapped[UUID | None] = mapped_column(ForeignKey("instruments.id"))
    con_id: Mapped[int] = mapped_column(BigInteger)
    perm_id: Mapped[int] = mapped_column(BigInteger)
    client_number: Mapped[int] = mapped_column(comment="0: entered by hand")
    order_ref: Mapped[str] = mapped_column(default="")
    side: Mapped[Side] = mapped_column(enum_column(Side))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    limit_price: Mapped[Decimal | None] = mapped_column(Price)
    status: Mapped[BrokerStatus] = mapped_column(enum_column(BrokerStatus))
    seen_at: Mapped[datetime] = mapped_column(comment="market time of the last look that had it")
    ended_at: Mapped[datetime | None] = mapped_column(comment="market time; null while it works")

    broker_account: Mapped[BrokerAccount] = relationship()
    instrument: Mapped[Instrument | None] = relationship()

    def __str__(self) -> str:
        return f"{self.side} {self.quantity:g} × conId {self.con_id}, made outside"


class CorporateAction(Base):
    """A dividend announced, or a contract whose terms were changed."""

    __tablename__ = "corporate_actions"
    __table_args__ = (UniqueConstraint("instrument_id", "kind", "ex_date", "detail"),)

    instrument_id: Mapped[UUID] = mapped_column(ForeignKey("instruments.id"))
    kind: Mapped[CorporateActionKind] = mapped_column(enum_column(CorporateActionKind))
    ex_date: Mapped[date] = mapped_column(comment="exchange date; the day it was seen, if untold")
    amount: Mapped[Decimal | None] = mapped_column(Price, comment="per share, of a dividend")
    detail: Mapped[str] = mapped_column(default="")
    seen_at: Mapped[datetime] = mapped_column(comment="market time of the last reading")

    instrument: Mapped[Instrument] = relationship()

    def __str__(self) -> str:
        return f"{self.kind} {self.ex_date}"
