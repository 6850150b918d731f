"""What a quote was graded, the forward its chain implies, and the day's profit of a position

Revision: 0008, after 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AMOUNT = sa.Numeric(precision=20, scale=4)


def upgrade() -> None:
    op.add_column(
        "quotes",
        sa.Column(
            "grade", sa.String(), nullable=True, comment="QuoteCode by name; null: not graded"
        ),
    )
    op.add_column(
        "quotes",
        sa.Column("forward", sa.Double(), nullable=True, comment="to expiry, by put-call parity"),
    )
    op.add_column(
        "quotes",
        sa.Column("rate", sa.Double(), nullable=True, comment="annualised; that of the forward"),
    )
    op.add_column(
        "positions",
        sa.Column("daily_pnl", AMOUNT, nullable=True, comment="since the session before"),
    )


def downgrade() -> None:
    op.drop_column("positions", "daily_pnl")
    for column in ("rate", "forward", "grade"):
        op.drop_column("quotes", column)
