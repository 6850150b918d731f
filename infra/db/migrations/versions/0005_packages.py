"""Rolls, and executions of a package as a whole

Revision: 0005, after 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ACTING = ("recommendations", "opportunities")
BEFORE = ("OPEN", "CLOSE")
COMMENTS = {
    "recommendations": "of a package, the leg it is filed under",
    "orders": "of a package, the leg it is filed under; all are in intent",
}


def upgrade() -> None:
    for table in ACTING:
        _allow_actions(table, (*BEFORE, "ROLL"))
    op.add_column(
        "executions",
        sa.Column(
            "is_package",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="of a package at its net price; its legs have rows of their own",
        ),
    )
    for table, comment in COMMENTS.items():
        op.alter_column(table, "instrument_id", existing_nullable=False, comment=comment)


def downgrade() -> None:
    for table in COMMENTS:
        op.alter_column(table, "instrument_id", existing_nullable=False, comment=None)
    op.drop_column("executions", "is_package")
    for table in ACTING:
        _allow_actions(table, BEFORE)


def _allow_actions(table: str, actions: tuple[str, ...]) -> None:
    name = op.f(f"ck_{table}_recommendation_action")
    op.drop_constraint(name, table, type_="check")
    listed = ", ".join(f"'{action}'" for action in actions)
    op.create_check_constraint(name, table, f"action IN ({listed})")
