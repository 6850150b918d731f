"""Every version of a strategy instance's config

Revision: 0015, after 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLE = "strategy_config_versions"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("strategy_instance_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("config", postgresql.JSONB(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "author",
            sa.String(),
            nullable=False,
            comment="user e-mail, or the part of the desk that acted",
        ),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=True),
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.CheckConstraint("version > 0", name=op.f(f"ck_{TABLE}_version_positive")),
        sa.ForeignKeyConstraint(
            ["strategy_instance_id"],
            ["strategy_instances.id"],
            name=op.f(f"fk_{TABLE}_strategy_instance_id_strategy_instances"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f(f"fk_{TABLE}_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        *(
            sa.UniqueConstraint(*columns, name=op.f(f"uq_{TABLE}_{'_'.join(columns)}"))
            for columns in (
                ("strategy_instance_id", "version"),
                ("user_id", "idempotency_key"),
            )
        ),
    )
    op.execute(
        "INSERT INTO strategy_config_versions "
        "(strategy_instance_id, version, config, author, reason) "
        "SELECT id, 1, config, 'migration', 'as it was' FROM strategy_instances"
    )
    op.execute(
        f"CREATE TRIGGER {TABLE}_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_table(TABLE)
