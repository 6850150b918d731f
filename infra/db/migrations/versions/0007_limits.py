"""Limits as data, and what every order was judged by

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SCOPES = ("GLOBAL", "CLIENT", "PORTFOLIO", "ACCOUNT", "STRATEGY")
OWNERS = {
    "client_id": "clients",
    "portfolio_id": "portfolios",
    "broker_account_id": "broker_accounts",
    "strategy_instance_id": "strategy_instances",
}
OWN_MARGIN = "our estimate of the same margin"
FROZEN_OF_ORDERS = ("notional", "controls", "what_if", "own_margin", "limits")


def upgrade() -> None:
    _limit_versions()
    _judgement()
    # What one desk-wide setting said becomes the first version of the desk's limits.
    op.execute(
        "INSERT INTO limit_versions (scope, version, limits, author, reason) "
        "SELECT 'GLOBAL', 1, value, 'migration', 'taken over from the settings' "
        "FROM settings WHERE key = 'limits'"
    )
    op.execute("DELETE FROM settings WHERE key = 'limits'")


def _limit_versions() -> None:
    op.create_table(
        "limit_versions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "scope",
            sa.Enum(
                *SCOPES, name="limit_scope", native_enum=False, length=32, create_constraint=True
            ),
            nullable=False,
        ),
        *(sa.Column(owner, sa.Uuid(), nullable=True) for owner in OWNERS),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "limits",
            postgresql.JSONB(),
            nullable=False,
            comment="only those that the scope sets",
        ),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "author",
            sa.String(),
            nullable=False,
            comment="user e-mail, or the part of the desk that acted",
        ),
        sa.Column("reason", sa.String(), nullable=False),
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.CheckConstraint("version > 0", name=op.f("ck_limit_versions_version_positive")),
        sa.CheckConstraint(
            "(client_id IS NOT NULL) = (scope = 'CLIENT') AND "
            "(portfolio_id IS NOT NULL) = (scope = 'PORTFOLIO') AND "
            "(broker_account_id IS NOT NULL) = (scope = 'ACCOUNT') AND "
            "(strategy_instance_id IS NOT NULL) = (scope = 'STRATEGY')",
            name=op.f("ck_limit_versions_owner_of_scope"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [owner], [f"{table}.id"], name=op.f(f"fk_limit_versions_{owner}_{table}")
            )
            for owner, table in {**OWNERS, "user_id": "users"}.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limit_versions")),
        sa.UniqueConstraint(
            "scope",
            *OWNERS,
            "version",
            name="uq_limit_versions_version",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.execute(
        "CREATE TRIGGER limit_versions_append_only BEFORE UPDATE OR DELETE ON limit_versions "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _judgement() -> None:
    for table, comment in (
        ("recommendations", "limits of the latest attempt: values, sources, versions"),
        ("orders", "limits it was judged by: values, sources, versions"),
    ):
        op.add_column(
            table, sa.Column("own_margin", postgresql.JSONB(), nullable=True, comment=OWN_MARGIN)
        )
        op.add_column(
            table, sa.Column("limits", postgresql.JSONB(), nullable=True, comment=comment)
        )
    op.add_column(
        "orders",
        sa.Column(
            "notional",
            sa.Numeric(20, 4),
            nullable=True,
            comment="what exercise of every opened leg would move; zero for a close",
        ),
    )
    op.add_column(
        "orders",
        sa.Column(
            "controls",
            postgresql.JSONB(),
            server_default=sa.text("'[]'"),
            nullable=False,
            comment="pre-trade controls it passed",
        ),
    )
    op.add_column(
        "orders",
        sa.Column("what_if", postgresql.JSONB(), nullable=True, comment="broker's margin preview"),
    )
    op.create_index(
        "ix_orders_account_sent_market", "orders", ["broker_account_id", "sent_market_at"]
    )
    frozen = ", ".join(f"'{column}'" for column in FROZEN_OF_ORDERS)
    op.execute(
        "CREATE TRIGGER orders_judgement_frozen BEFORE UPDATE ON orders "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_frozen({frozen})"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_judgement_frozen ON orders")
    op.drop_index("ix_orders_account_sent_market", table_name="orders")
    for column in ("what_if", "controls", "notional"):
        op.drop_column("orders", column)
    for table in ("orders", "recommendations"):
        op.drop_column(table, "limits")
        op.drop_column(table, "own_margin")
    # An older desk knows one set of limits, in its settings.
    op.execute(
        "INSERT INTO settings (id, key, value, description) "
        "SELECT uuidv7(), 'limits', limits, '' FROM limit_versions WHERE scope = 'GLOBAL' "
        "ORDER BY version DESC LIMIT 1"
    )
    op.drop_table("limit_versions")
