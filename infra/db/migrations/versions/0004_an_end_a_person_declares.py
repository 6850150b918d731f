"""A person may declare an order over, on evidence kept beside it; codes are checked no more

Revision: 0004, after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

STATES = (
    "READY", "DENIED", "SENDING", "WORKING", "PARTIAL", "FILLED", "CANCEL_PENDING", "CANCELLED",
    "LAPSED", "REJECTED", "UNKNOWN", "NOT_SENT", "QUARANTINE",
)  # fmt: skip
STATE_CHECKS = (
    ("orders", "ck_orders_order_state", "state"),
    ("order_events", "ck_order_events_state_before", "state_before"),
    ("order_events", "ck_order_events_state_after", "state_after"),
)
CODE_CHECKS = ("recommendations", "orders")


def _allow(states: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{state}'" for state in states)
    for table, name, column in STATE_CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IN ({listed}))")


def upgrade() -> None:
    _allow((*STATES, "ENDED"))
    for table in CODE_CHECKS:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS ck_{table}_error_code")
    op.add_column(
        "orders",
        sa.Column(
            "last_look",
            postgresql.JSONB(),
            comment="what the last complete, spaced look at the broker's books said of it",
        ),
    )
    op.add_column(
        "orders",
        sa.Column(
            "position_before",
            postgresql.JSONB(),
            comment="the account's position in the contract as known when the order was claimed",
        ),
    )
    op.add_column(
        "orders",
        sa.Column(
            "declared_quantity",
            sa.Numeric(18, 4),
            comment="executed in all, as a person declared it",
        ),
    )


def downgrade() -> None:
    # The check of the codes stays away: rows may hold codes that the earlier list did not have.
    for column in ("declared_quantity", "position_before", "last_look"):
        op.drop_column("orders", column)
    _allow(STATES)
