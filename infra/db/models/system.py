"""Alerts, the audit trail and the settings that govern trading."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.severity import Severity
from infra.db.models.base import Base, enum_column
from infra.db.models.clients import BrokerAccount


class AlertState(StrEnum):
    OPEN = "OPEN"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    CLEARED = "CLEARED"


class Alert(Base):
    """Something a person should know. One row per ``subject`` while it lasts."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_unresolved_subject",
            "code",
            "subject",
            unique=True,
            postgresql_where=text("state <> 'CLEARED'"),
        ),
        Index("ix_alerts_state_created", "state", "created_at"),
    )

    code: Mapped[str]
    severity: Mapped[Severity] = mapped_column(enum_column(Severity))
    state: Mapped[AlertState] = mapped_column(enum_column(AlertState), default=AlertState.OPEN)
    subject: Mapped[str] = mapped_column(comment="what it is about, e.g. an order key")
    title: Mapped[str]
    detail: Mapped[str] = mapped_column(default="")
    context: Mapped[dict[str, Any]] = mapped_column(default=dict)
    broker_account_id: Mapped[UUID | None] = mapped_column(ForeignKey("broker_accounts.id"))
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(comment="user e-mail")
    note: Mapped[str] = mapped_column(
        default="", server_default="", comment="of whoever acknowledged it"
    )

    broker_account: Mapped[BrokerAccount | None] = relationship()

    def __str__(self) -> str:
        return self.title


class AuditEvent(Base):
    """Who did what, when, and what it changed. Append-only."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_entity", "entity", "entity_id"),)

    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(comment="user e-mail, or the part of the desk that acted")
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str] = mapped_column(comment="past tense, e.g. recommendation.approved")
    entity: Mapped[str]
    entity_id: Mapped[str]
    address: Mapped[str] = mapped_column(default="")
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]

    def __str__(self) -> str:
        return f"{self.action} by {self.actor}"


class AuditLink(Base):
    """One entry's place in the chain; written by the database as the entry is committed."""

    __tablename__ = "audit_links"

    seq: Mapped[int] = mapped_column(BigInteger, unique=True, comment="1, 2, 3, … without a gap")
    event_id: Mapped[UUID] = mapped_column(ForeignKey("audit_events.id"), unique=True)
    previous_hash: Mapped[bytes] = mapped_column(LargeBinary, comment="of the link before; zeros")
    hash: Mapped[bytes] = mapped_column(
        LargeBinary, comment="SHA-256 of previous_hash and the entry"
    )

    event: Mapped[AuditEvent] = relationship()

    def __str__(self) -> str:
        return f"link {self.seq}"


class Setting(Base):
    """A named value. ``autotrade_enabled`` can hold nothing but false."""

    __tablename__ = "settings"
    __table_args__ = (
        CheckConstraint(
            "key <> 'autotrade_enabled' OR value = 'false'::jsonb", name="autotrade_stays_off"
        ),
        CheckConstraint(
            "key <> 'trading_state' OR value IN "
            "('\"ACTIVE\"'::jsonb, '\"REDUCING\"'::jsonb, '\"HALTED\"'::jsonb)",
            name="trading_state_legal",
        ),
    )

    key: Mapped[str] = mapped_column(unique=True)
    value: Mapped[Any] = mapped_column(JSONB)
    description: Mapped[str] = mapped_column(default="")

    def __str__(self) -> str:
        return self.key


class CommandReceipt(Base):
    """What was answered to a person's command, for when the same request comes again."""

    __tablename__ = "command_receipts"
    __table_args__ = (UniqueConstraint("user_id", "idempotency_key"),)

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    idempotency_key: Mapped[str]
    request_digest: Mapped[bytes] = mapped_column(
        LargeBinary, comment="SHA-256 of method, address and body"
    )
    status: Mapped[int | None] = mapped_column(comment="null until the command is done")
    etag: Mapped[str | None]
    sealed_body: Mapped[bytes | None] = mapped_column(
        LargeBinary, comment="encrypted: some answers hold a password or a token"
    )

    def __str__(self) -> str:
        return f"receipt of {self.created_at:%Y-%m-%d %H:%M}"
