"""Who stopped or resumed trading, and what the kill switch withdrew

Revision: 0010, after 0009
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

STATES = ("ACTIVE", "REDUCING", "HALTED")
ORDER_STATES = (
    *("READY", "DENIED", "SENDING", "WORKING", "PARTIAL", "FILLED", "CANCEL_PENDING"),
    *("CANCELLED", "LAPSED", "REJECTED", "UNKNOWN", "NOT_SENT", "ENDED", "QUARANTINE"),
)
TABLES = ("trading_state_changes", "kill_switches", "kill_switch_trades")
AUTHOR = "user e-mail, or the part of the desk that acted"
WHOLE_DESK = "null: the whole desk"


def upgrade() -> None:
    _create(
        "trading_state_changes",
        sa.Column("broker_account_id", sa.Uuid(), nullable=True, comment=WHOLE_DESK),
        *(
            sa.Column(
                name,
                sa.Enum(
                    *STATES,
                    name=f"state_{name}",
                    native_enum=False,
                    create_constraint=True,
                    length=32,
                ),
                nullable=False,
            )
            for name in ("before", "after")
        ),
        *_said(AUTHOR),
        *_keys("trading_state_changes", broker_account_id="broker_accounts", user_id="users"),
        sa.UniqueConstraint(
            "user_id",
            "idempotency_key",
            name=op.f("uq_trading_state_changes_user_id_idempotency_key"),
        ),
    )
    op.create_index(
        "ix_trading_state_changes_scope", "trading_state_changes", ["broker_account_id", "id"]
    )
    _create(
        "kill_switches",
        sa.Column("broker_account_id", sa.Uuid(), nullable=True, comment=WHOLE_DESK),
        sa.Column(
            "digest",
            sa.String(),
            nullable=False,
            comment="of what the person saw would be withdrawn",
        ),
        *_said("user e-mail, or the command line"),
        *_keys("kill_switches", broker_account_id="broker_accounts", user_id="users"),
        sa.UniqueConstraint(
            "user_id", "idempotency_key", name=op.f("uq_kill_switches_user_id_idempotency_key")
        ),
    )
    _create(
        "kill_switch_trades",
        sa.Column("kill_switch_id", sa.Uuid(), nullable=False),
        sa.Column("recommendation_id", sa.Uuid(), nullable=False),
        sa.Column(
            "order_state",
            sa.Enum(
                *ORDER_STATES,
                name="order_state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
            comment="of its latest order when pressed; null: none made",
        ),
        *_keys(
            "kill_switch_trades",
            kill_switch_id="kill_switches",
            recommendation_id="recommendations",
        ),
        sa.UniqueConstraint(
            "kill_switch_id",
            "recommendation_id",
            name=op.f("uq_kill_switch_trades_kill_switch_id_recommendation_id"),
        ),
    )
    op.create_index(
        op.f("ix_kill_switch_trades_recommendation_id"), "kill_switch_trades", ["recommendation_id"]
    )
    op.execute(
        "CREATE TRIGGER kill_switches_notify AFTER INSERT ON kill_switches "
        "FOR EACH ROW EXECUTE FUNCTION notify_change()"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def _create(table: str, *columns: sa.Column[Any] | sa.Constraint) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        *columns,
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def _said(author: str) -> list[sa.Column[Any]]:
    return [
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("author", sa.String(), nullable=False, comment=author),
        sa.Column("idempotency_key", sa.String(), nullable=True),
    ]


def _keys(table: str, **owners: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{owner}.id"], name=op.f(f"fk_{table}_{column}_{owner}")
        )
        for column, owner in owners.items()
    ]
