"""Backtests, and sweeps of them

Revision: 0009, after 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATUSES = ("RUNNING", "COMPLETED", "FAILED", "CANCELLED")


def upgrade() -> None:
    op.alter_column("strategy_runs", "strategy_instance_id", nullable=True)
    _status_of_runs(STATUSES)
    op.create_check_constraint(
        op.f("ck_strategy_runs_live_has_instance"),
        "strategy_runs",
        "mode = 'BACKTEST' OR strategy_instance_id IS NOT NULL",
    )
    _sweeps()
    _backtests()
    for table in ("backtests", "backtest_sweeps"):
        op.execute(
            f"CREATE TRIGGER {table}_notify AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION notify_change()"
        )


def _status_of_runs(statuses: tuple[str, ...]) -> None:
    check = op.f("ck_strategy_runs_run_status")
    op.drop_constraint(check, "strategy_runs", type_="check")
    listed = ", ".join(f"'{status}'" for status in statuses)
    op.create_check_constraint(check, "strategy_runs", f"status IN ({listed})")


def _key_and_times() -> list[sa.Column]:
    return [
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
    ]


def _asked() -> list[sa.Column]:
    """Who asked for what."""
    return [
        sa.Column("client_id", sa.Uuid(), nullable=True, comment="null: the whole desk's"),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column(
            "author", sa.String(), nullable=False, comment="user e-mail, or where it was started"
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("strategy", sa.String(), nullable=False, comment="slug or code_ref, as asked"),
        sa.Column("request", postgresql.JSONB(), nullable=False),
    ]


def _owners(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column], [f"{owner}.id"], name=op.f(f"fk_{table}_{column}_{owner}")
        )
        for column, owner in (("client_id", "clients"), ("user_id", "users"))
    ]


def _sweeps() -> None:
    op.create_table(
        "backtest_sweeps",
        *_key_and_times(),
        sa.Column("workflow_id", sa.String(), nullable=False),
        *_asked(),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                *STATUSES, name="run_status", native_enum=False, length=32, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("errors", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint(
            "(status = 'RUNNING') = (finished_at IS NULL)",
            name=op.f("ck_backtest_sweeps_finished_has_time"),
        ),
        sa.CheckConstraint("total > 0", name=op.f("ck_backtest_sweeps_total_positive")),
        *_owners("backtest_sweeps"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backtest_sweeps")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_backtest_sweeps_workflow_id")),
    )
    op.create_index(op.f("ix_backtest_sweeps_client_id"), "backtest_sweeps", ["client_id"])


def _backtests() -> None:
    op.create_table(
        "backtests",
        *_key_and_times(),
        sa.Column("strategy_run_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=True, comment="place in its sweep, from 0"),
        *_asked(),
        sa.Column("request_digest", sa.String(), nullable=False),
        sa.Column(
            "progress",
            postgresql.JSONB(),
            nullable=True,
            comment="timestamps done, of, session",
        ),
        sa.Column("data_label", sa.String(), nullable=False),
        sa.Column("data_digest", sa.String(), nullable=False, comment="SHA-256 of what was read"),
        sa.Column(
            "result_digest",
            sa.String(),
            nullable=False,
            comment="SHA-256 of inputs and outputs; equal inputs give an equal one",
        ),
        sa.Column(
            "document",
            sa.LargeBinary(),
            nullable=True,
            comment="equity, trades, fills, events: gzipped JSON",
        ),
        *_owners("backtests"),
        sa.ForeignKeyConstraint(
            ["strategy_run_id"],
            ["strategy_runs.id"],
            name=op.f("fk_backtests_strategy_run_id_strategy_runs"),
        ),
        sa.ForeignKeyConstraint(
            ["sweep_id"],
            ["backtest_sweeps.id"],
            name=op.f("fk_backtests_sweep_id_backtest_sweeps"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backtests")),
        sa.UniqueConstraint("strategy_run_id", name=op.f("uq_backtests_strategy_run_id")),
        sa.UniqueConstraint("key", name=op.f("uq_backtests_key")),
        sa.UniqueConstraint("sweep_id", "position", name=op.f("uq_backtests_sweep_id_position")),
    )
    op.create_index(op.f("ix_backtests_client_id"), "backtests", ["client_id"])


def downgrade() -> None:
    op.drop_table("backtests")
    op.drop_table("backtest_sweeps")
    # An older desk knows neither runs without an instance nor cancelled ones.
    op.execute("DELETE FROM strategy_runs WHERE strategy_instance_id IS NULL")
    op.execute("UPDATE strategy_runs SET status = 'FAILED' WHERE status = 'CANCELLED'")
    op.drop_constraint(op.f("ck_strategy_runs_live_has_instance"), "strategy_runs", type_="check")
    _status_of_runs(STATUSES[:3])
    op.alter_column("strategy_runs", "strategy_instance_id", nullable=False)
