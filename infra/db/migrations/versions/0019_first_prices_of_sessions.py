"""The first price of each session: index options that settle in the morning settle by it

Revision: 0019, after 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COMMENT = "what index options that settle in the morning are worth goes by it"


def upgrade() -> None:
    op.add_column(
        "daily_history", sa.Column("open", sa.Numeric(18, 6), nullable=True, comment=COMMENT)
    )


def downgrade() -> None:
    op.drop_column("daily_history", "open")
