"""Who acknowledged an alert, when, and what they noted

Revision: 0017, after 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alerts", sa.Column("acknowledged_at", sa.DateTime(timezone=True)))
    op.add_column("alerts", sa.Column("acknowledged_by", sa.String(), comment="user e-mail"))
    # With a default in the database: workers of the release before still raise alerts.
    op.add_column(
        "alerts",
        sa.Column(
            "note",
            sa.String(),
            nullable=False,
            server_default="",
            comment="of whoever acknowledged it",
        ),
    )


def downgrade() -> None:
    for column in ("note", "acknowledged_by", "acknowledged_at"):
        op.drop_column("alerts", column)
