"""Where people want to be told, and what they were told there."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from domain.notifications import NotificationEvent
from domain.severity import Severity
from infra.db.models.base import Base, enum_column
from infra.db.models.identity import User


class NotificationChannel(Base):
    """One way to reach one person, and what they want to hear of there."""

    __tablename__ = "notification_channels"

    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str] = mapped_column(comment="scheme of the address, e.g. mailtos")
    sealed_url: Mapped[bytes] = mapped_column(LargeBinary, comment="encrypted: it holds secrets")
    events: Mapped[list[Any]]
    least_severity: Mapped[Severity] = mapped_column(enum_column(Severity))
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    zone: Mapped[str] = mapped_column(comment="of the quiet hours")
    critical_at_any_hour: Mapped[bool] = mapped_column(default=True)
    is_enabled: Mapped[bool] = mapped_column(default=True)

    user: Mapped[User] = relationship()

    def __str__(self) -> str:
        return self.name


class Notification(Base):
    """One occurrence on its way to one channel, or told there."""

    __tablename__ = "notifications"
    __table_args__ = (
        # Told again where it has become worse.
        UniqueConstraint("channel_id", "event", "subject", "severity"),
        Index(
            "ix_notifications_due",
            "due_at",
            postgresql_where=text("sent_at IS NULL AND dropped_at IS NULL"),
        ),
    )

    channel_id: Mapped[UUID] = mapped_column(
        ForeignKey("notification_channels.id", ondelete="CASCADE")
    )
    event: Mapped[NotificationEvent] = mapped_column(enum_column(NotificationEvent))
    subject: Mapped[UUID] = mapped_column(comment="the row it is about")
    severity: Mapped[Severity] = mapped_column(enum_column(Severity))
    title: Mapped[str]
    detail: Mapped[str]
    path: Mapped[str]
    due_at: Mapped[datetime] = mapped_column(comment="not sent before; later after a failure")
    attempts: Mapped[int] = mapped_column(server_default="0")
    error: Mapped[str] = mapped_column(server_default="", comment="of the latest attempt")
    sent_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None] = mapped_column(
        comment="over before it could be sent, or given up"
    )

    channel: Mapped[NotificationChannel] = relationship()

    def __str__(self) -> str:
        return self.title
