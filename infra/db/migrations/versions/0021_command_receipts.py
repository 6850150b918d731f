"""What was answered to commands, so that a repeated one is done once

Revision: 0021, after 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "command_receipts",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column(
            "request_digest",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of method, address and body",
        ),
        sa.Column("status", sa.Integer(), nullable=True, comment="null until the command is done"),
        sa.Column("etag", sa.String(), nullable=True),
        sa.Column(
            "sealed_body",
            sa.LargeBinary(),
            nullable=True,
            comment="encrypted: some answers hold a password or a token",
        ),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_command_receipts_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_command_receipts")),
        sa.UniqueConstraint(
            "user_id", "idempotency_key", name=op.f("uq_command_receipts_user_id_idempotency_key")
        ),
    )


def downgrade() -> None:
    op.drop_table("command_receipts")
