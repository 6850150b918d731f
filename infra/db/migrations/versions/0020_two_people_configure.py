"""Changes of a strategy's config that wait for a second person

Revision: 0020, after 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)
_STATES = ("PENDING", "APPROVED", "REJECTED", "WITHDRAWN", "SUPERSEDED")


def upgrade() -> None:
    # With a default in the database: processes of the release before still add clients.
    op.add_column(
        "clients",
        sa.Column(
            "two_people_configure",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="a change of a strategy's config waits for a second person",
        ),
    )
    op.create_table(
        "config_proposals",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("strategy_instance_id", sa.Uuid(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False, comment="the version it changes"),
        sa.Column("config", postgresql.JSONB(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("author", sa.String(), nullable=False, comment="user e-mail"),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                *_STATES,
                name="proposal_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("decided_by_id", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True, comment="user e-mail"),
        sa.Column("decided_at", _AT, nullable=True),
        sa.Column("decision_reason", sa.String(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True, comment="the version it became"),
        sa.Column("created_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", _AT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'PENDING') = (decided_at IS NULL)",
            name=op.f("ck_config_proposals_decided_has_time"),
        ),
        sa.CheckConstraint(
            "(state = 'APPROVED') = (version IS NOT NULL)",
            name=op.f("ck_config_proposals_approved_has_version"),
        ),
        sa.CheckConstraint(
            "state <> 'APPROVED' OR decided_by_id <> user_id",
            name=op.f("ck_config_proposals_approved_by_somebody_else"),
        ),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_config_proposals_{column}_{table}")
            )
            for column, table in (
                ("strategy_instance_id", "strategy_instances"),
                ("user_id", "users"),
                ("decided_by_id", "users"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config_proposals")),
        sa.UniqueConstraint(
            "user_id", "idempotency_key", name=op.f("uq_config_proposals_user_id_idempotency_key")
        ),
    )
    op.create_index(
        "uq_config_proposals_pending",
        "config_proposals",
        ["strategy_instance_id"],
        unique=True,
        postgresql_where=sa.text("state = 'PENDING'"),
    )


def downgrade() -> None:
    op.drop_table("config_proposals")
    op.drop_column("clients", "two_people_configure")
