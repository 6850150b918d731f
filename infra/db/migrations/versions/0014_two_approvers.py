"""Two people for what is above a client's limits

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_LIMITS = {
    "notional": "two people approve what opens more; null: one suffices",
    "max_loss": "two people approve what can lose more; null: one suffices",
}


def upgrade() -> None:
    for name, comment in _LIMITS.items():
        column = f"two_approvers_above_{name}"
        op.add_column(
            "clients", sa.Column(column, sa.Numeric(20, 4), nullable=True, comment=comment)
        )
        op.create_check_constraint(
            op.f(f"ck_clients_{name}_not_negative"), "clients", f"{column} >= 0"
        )
    op.add_column(
        "recommendations",
        sa.Column(
            "first_approved_at",
            _AT,
            nullable=True,
            comment="when the first of two people approved",
        ),
    )
    op.create_table(
        "approvals",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("terms_hash", sa.String(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("limit_price", sa.Numeric(18, 6), nullable=True),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("approved_at", _AT, nullable=False),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["recommendation_id"],
            ["recommendations.id"],
            name=op.f("fk_approvals_recommendation_id_recommendations"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_approvals_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals")),
        sa.UniqueConstraint(
            "recommendation_id", "user_id", name=op.f("uq_approvals_recommendation_id_user_id")
        ),
        sa.UniqueConstraint(
            "user_id", "idempotency_key", name=op.f("uq_approvals_user_id_idempotency_key")
        ),
    )
    op.execute(
        "CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE ON approvals "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table("approvals")
    op.drop_column("recommendations", "first_approved_at")
    for name in _LIMITS:
        op.drop_column("clients", f"two_approvers_above_{name}")
