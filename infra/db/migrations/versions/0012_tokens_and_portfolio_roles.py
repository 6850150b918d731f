"""API tokens, roles for one portfolio, and passwords that somebody else made

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_ONE_PER_CLIENT = "uq_memberships_user_id_client_id"
_ONE_PER_PORTFOLIO = "uq_memberships_user_id_client_id_portfolio_id"
_OWN_PORTFOLIO = "fk_memberships_portfolio_id_portfolios"


def upgrade() -> None:
    op.add_column(
        "users",
        sa.Column(
            "password_expires_at",
            _AT,
            nullable=True,
            comment="of a password somebody else made: to be changed before",
        ),
    )
    op.create_unique_constraint(
        op.f("uq_portfolios_id_client_id"), "portfolios", ["id", "client_id"]
    )
    op.add_column(
        "memberships",
        sa.Column("portfolio_id", sa.Uuid(), nullable=True, comment="null: the whole client"),
    )
    op.drop_constraint(op.f(_ONE_PER_CLIENT), "memberships", type_="unique")
    op.create_unique_constraint(
        op.f(_ONE_PER_PORTFOLIO),
        "memberships",
        ["user_id", "client_id", "portfolio_id"],
        postgresql_nulls_not_distinct=True,
    )
    op.create_foreign_key(
        op.f(_OWN_PORTFOLIO),
        "memberships",
        "portfolios",
        ["portfolio_id", "client_id"],
        ["id", "client_id"],
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False, comment="what it is for"),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("scopes", postgresql.JSONB(), nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.Column("last_used_at", _AT, nullable=True),
        sa.Column("revoked_at", _AT, nullable=True),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_tokens_user_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_tokens_token_hash")),
    )
    op.create_index(op.f("ix_api_tokens_user_id"), "api_tokens", ["user_id"])


def downgrade() -> None:
    op.drop_table("api_tokens")
    op.drop_constraint(op.f(_OWN_PORTFOLIO), "memberships", type_="foreignkey")
    op.drop_constraint(op.f(_ONE_PER_PORTFOLIO), "memberships", type_="unique")
    # What was granted for one portfolio must not become a grant for the whole client.
    op.execute("DELETE FROM memberships WHERE portfolio_id IS NOT NULL")
    op.create_unique_constraint(op.f(_ONE_PER_CLIENT), "memberships", ["user_id", "client_id"])
    op.drop_column("memberships", "portfolio_id")
    op.drop_constraint(op.f("uq_portfolios_id_client_id"), "portfolios", type_="unique")
    op.drop_column("users", "password_expires_at")
