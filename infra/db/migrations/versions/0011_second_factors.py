"""One-time codes, recovery codes, and how fresh a sign-in must be to approve

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def _of_users() -> tuple[sa.Column, ...]:
    return (
        sa.Column("password_changed_at", _AT, nullable=True),
        sa.Column(
            "totp_secret",
            sa.LargeBinary(),
            nullable=True,
            comment="encrypted; asked for at sign-in once it is confirmed",
        ),
        sa.Column("totp_confirmed_at", _AT, nullable=True),
        sa.Column(
            "totp_last_step",
            sa.BigInteger(),
            nullable=True,
            comment="30-second step of the last code accepted; no code counts twice",
        ),
    )


def upgrade() -> None:
    for column in _of_users():
        op.add_column("users", column)
    op.add_column(
        "sessions",
        sa.Column(
            "authenticated_at",
            _AT,
            server_default=sa.text("now()"),
            nullable=False,
            comment="when its user last proved who they are",
        ),
    )
    op.execute("UPDATE sessions SET authenticated_at = created_at")
    op.add_column(
        "clients",
        sa.Column(
            "step_up_minutes",
            sa.Integer(),
            nullable=True,
            comment="approving needs a sign-in no older than this; null: any live session",
        ),
    )
    op.create_check_constraint(
        op.f("ck_clients_step_up_minutes_positive"), "clients", "step_up_minutes > 0"
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", _AT, nullable=True),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_codes_code_hash")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])


def downgrade() -> None:
    op.drop_table("recovery_codes")
    op.drop_column("clients", "step_up_minutes")
    op.drop_column("sessions", "authenticated_at")
    for column in _of_users():
        op.drop_column("users", column.name)
