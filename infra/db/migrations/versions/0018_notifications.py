"""Channels that people are notified on, and what they were told there

Revision: 0018, after 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_SEVERITIES = ("INFO", "WARNING", "CRITICAL")
_EVENTS = ("RECOMMENDATION_WAITING", "DEADLINE_NEAR", "ORDER_STUCK", "ALERT", "KILL_SWITCH")


def _one_of(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def _row() -> list[sa.Column]:
    return [
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _AT, server_default=sa.text("now()"), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "notification_channels",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "kind", sa.String(), nullable=False, comment="scheme of the address, e.g. mailtos"
        ),
        sa.Column(
            "sealed_url", sa.LargeBinary(), nullable=False, comment="encrypted: it holds secrets"
        ),
        sa.Column("events", postgresql.JSONB(), nullable=False),
        sa.Column("least_severity", _one_of("severity", _SEVERITIES), nullable=False),
        sa.Column("quiet_from", sa.Time(), nullable=True),
        sa.Column("quiet_until", sa.Time(), nullable=True),
        sa.Column("zone", sa.String(), nullable=False, comment="of the quiet hours"),
        sa.Column("critical_at_any_hour", sa.Boolean(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False),
        *_row(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notification_channels_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notification_channels")),
    )
    op.create_index(op.f("ix_notification_channels_user_id"), "notification_channels", ["user_id"])
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("channel_id", sa.Uuid(), nullable=False),
        sa.Column("event", _one_of("notification_event", _EVENTS), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False, comment="the row it is about"),
        sa.Column("severity", _one_of("severity", _SEVERITIES), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("due_at", _AT, nullable=False, comment="not sent before; later after a failure"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.String(), server_default="", nullable=False, comment="of the latest attempt"),
        sa.Column("sent_at", _AT, nullable=True),
        sa.Column("dropped_at", _AT, nullable=True, comment="over before it could be sent, or given up"),
        *_row(),
        sa.ForeignKeyConstraint(
            ["channel_id"],
            ["notification_channels.id"],
            name=op.f("fk_notifications_channel_id_notification_channels"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
        sa.UniqueConstraint(
            "channel_id", "event", "subject", "severity",
            name=op.f("uq_notifications_channel_id_event_subject_severity"),
        ),
    )  # fmt: skip
    op.create_index(
        "ix_notifications_due",
        "notifications",
        ["due_at"],
        postgresql_where=sa.text("sent_at IS NULL AND dropped_at IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("notifications")
    op.drop_table("notification_channels")
