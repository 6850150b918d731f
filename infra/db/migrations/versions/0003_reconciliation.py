"""Reconciliation with the broker's books

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What a person would notice; that a discrepancy was seen once more is no news.
NEWS = {
    "discrepancies": ("raised_at", "cleared_at", "expected", "actual", "detail"),
    "external_orders": ("status", "quantity", "limit_price", "ended_at"),
}


def upgrade() -> None:
    op.create_table(
        "corporate_actions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "DIVIDEND",
                "SPLIT",
                "CONTRACT_CHANGED",
                name="corporate_action_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "ex_date",
            sa.Date(),
            nullable=False,
            comment="exchange date; the day it was seen, if untold",
        ),
        sa.Column(
            "amount",
            sa.Numeric(precision=18, scale=6),
            nullable=True,
            comment="per share, of a dividend",
        ),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="market time of the last reading",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"],
            ["instruments.id"],
            name=op.f("fk_corporate_actions_instrument_id_instruments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corporate_actions")),
        sa.UniqueConstraint(
            "instrument_id",
            "kind",
            "ex_date",
            "detail",
            name=op.f("uq_corporate_actions_instrument_id_kind_ex_date_detail"),
        ),
    )
    op.create_table(
        "quotes",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=False, comment="market time"),
        sa.Column(
            "quality",
            sa.Enum(
                "LIVE",
                "FROZEN",
                "DELAYED",
                "MISSING",
                name="quote_quality",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("bid", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("ask", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("underlying_price", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("iv", sa.Double(), nullable=True, comment="annualised, decimal"),
        sa.Column("delta", sa.Double(), nullable=True),
        sa.Column("volume", sa.Double(), nullable=True),
        sa.Column("open_interest", sa.Double(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"], ["instruments.id"], name=op.f("fk_quotes_instrument_id_instruments")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("instrument_id", name=op.f("uq_quotes_instrument_id")),
    )
    op.create_table(
        "discrepancies",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column(
            "type",
            sa.Enum(
                "EXTERNAL_ORDER",
                "EXTERNAL_FILL",
                "ORPHAN_ORDER",
                "TWO_PERM_IDS",
                "VANISHED_ORDER",
                "MISSING_EXECUTION",
                "POSITION_MISMATCH",
                "CASH_MISMATCH",
                "UNKNOWN_ACCOUNT",
                "UNKNOWN_CONTRACT",
                name="discrepancy_type",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "severity",
            sa.Enum(
                "INFO",
                "WARNING",
                "CRITICAL",
                name="severity",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "subject",
            sa.String(),
            nullable=False,
            comment="what it is about, e.g. DU1000001:756733",
        ),
        sa.Column("gateway_id", sa.Uuid(), nullable=False),
        sa.Column("broker_account_id", sa.Uuid(), nullable=True),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("con_id", sa.BigInteger(), nullable=True),
        sa.Column("expected", sa.String(), nullable=False, comment="by our record"),
        sa.Column("actual", sa.String(), nullable=False, comment="at the broker"),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_seen_market_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("looks > 0", name=op.f("ck_discrepancies_looks_positive")),
        sa.ForeignKeyConstraint(
            ["broker_account_id"],
            ["broker_accounts.id"],
            name=op.f("fk_discrepancies_broker_account_id_broker_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateways.id"], name=op.f("fk_discrepancies_gateway_id_gateways")
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"],
            ["instruments.id"],
            name=op.f("fk_discrepancies_instrument_id_instruments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancies")),
    )
    op.create_index(
        "ix_discrepancies_account_seen",
        "discrepancies",
        ["broker_account_id", "last_seen_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_discrepancies_gateway_id"), "discrepancies", ["gateway_id"], unique=False
    )
    op.create_index(
        "uq_discrepancies_open_subject",
        "discrepancies",
        ["type", "subject"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "external_orders",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("gateway_id", sa.Uuid(), nullable=False),
        sa.Column("broker_account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("con_id", sa.BigInteger(), nullable=False),
        sa.Column("perm_id", sa.BigInteger(), nullable=False),
        sa.Column("client_number", sa.Integer(), nullable=False, comment="0: entered by hand"),
        sa.Column("order_ref", sa.String(), nullable=False),
        sa.Column(
            "side",
            sa.Enum(
                "BUY", "SELL", name="side", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("limit_price", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "WORKING",
                "FILLED",
                "CANCEL_PENDING",
                "CANCELLED",
                "REJECTED",
                name="broker_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "seen_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="market time of the last look that had it",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="market time; null while it works",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["broker_account_id"],
            ["broker_accounts.id"],
            name=op.f("fk_external_orders_broker_account_id_broker_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["gateway_id"], ["gateways.id"], name=op.f("fk_external_orders_gateway_id_gateways")
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"],
            ["instruments.id"],
            name=op.f("fk_external_orders_instrument_id_instruments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_external_orders")),
        sa.UniqueConstraint(
            "gateway_id", "perm_id", name=op.f("uq_external_orders_gateway_id_perm_id")
        ),
    )
    op.create_index(
        op.f("ix_external_orders_broker_account_id"),
        "external_orders",
        ["broker_account_id"],
        unique=False,
    )
    op.create_table(
        "position_events",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("broker_account_id", sa.Uuid(), nullable=False),
        sa.Column("instrument_id", sa.Uuid(), nullable=True),
        sa.Column("con_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "EXPIRY",
                "ASSIGNMENT",
                "EXERCISE",
                "SETTLEMENT",
                "SPLIT",
                "ADJUSTMENT",
                "DIVIDEND",
                "INTEREST",
                "ACCEPTED",
                name="position_event_kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("cash", sa.Numeric(precision=20, scale=4), nullable=True),
        sa.Column("price", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column(
            "cause_con_id",
            sa.BigInteger(),
            nullable=True,
            comment="the option that delivered, or the contract that was adjusted",
        ),
        sa.Column(
            "market_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="market time of the look that found it",
        ),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["broker_account_id"],
            ["broker_accounts.id"],
            name=op.f("fk_position_events_broker_account_id_broker_accounts"),
        ),
        sa.ForeignKeyConstraint(
            ["instrument_id"],
            ["instruments.id"],
            name=op.f("fk_position_events_instrument_id_instruments"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_events")),
    )
    op.create_index(
        "ix_position_events_account_con",
        "position_events",
        ["broker_account_id", "con_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_position_events_instrument_id"), "position_events", ["instrument_id"], unique=False
    )
    op.create_table(
        "reconciled_positions",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("broker_account_id", sa.Uuid(), nullable=False),
        sa.Column("con_id", sa.BigInteger(), nullable=False),
        sa.Column("opening_quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=4), nullable=False),
        sa.Column("average_cost", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["broker_account_id"],
            ["broker_accounts.id"],
            name=op.f("fk_reconciled_positions_broker_account_id_broker_accounts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciled_positions")),
        sa.UniqueConstraint(
            "broker_account_id",
            "con_id",
            name=op.f("uq_reconciled_positions_broker_account_id_con_id"),
        ),
    )
    op.add_column(
        "broker_accounts",
        sa.Column(
            "reconciled_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="market time of the last comparison with the broker's books; null before the first",
        ),
    )
    op.add_column(
        "broker_accounts",
        sa.Column(
            "opening_cash",
            sa.Numeric(precision=20, scale=4),
            nullable=True,
            comment="cash when first compared, less every execution and event on record then",
        ),
    )
    op.add_column(
        "broker_accounts",
        sa.Column(
            "cash_matched_on",
            sa.Date(),
            nullable=True,
            comment="exchange date on which cash last agreed",
        ),
    )
    for table, columns in NEWS.items():
        old = ", ".join(f"OLD.{column}" for column in columns)
        new = ", ".join(f"NEW.{column}" for column in columns)
        op.execute(
            f"CREATE TRIGGER {table}_notify_insert AFTER INSERT ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION notify_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_notify_update AFTER UPDATE ON {table} FOR EACH ROW "
            f"WHEN (({old}) IS DISTINCT FROM ({new})) EXECUTE FUNCTION notify_change()"
        )
    op.execute(
        "CREATE TRIGGER position_events_notify AFTER INSERT ON position_events "
        "FOR EACH ROW EXECUTE FUNCTION notify_change()"
    )
    op.execute(
        "CREATE TRIGGER position_events_append_only BEFORE UPDATE OR DELETE ON position_events "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.drop_column("broker_accounts", "cash_matched_on")
    op.drop_column("broker_accounts", "opening_cash")
    op.drop_column("broker_accounts", "reconciled_at")
    op.drop_table("reconciled_positions")
    op.drop_index(op.f("ix_position_events_instrument_id"), table_name="position_events")
    op.drop_index("ix_position_events_account_con", table_name="position_events")
    op.drop_table("position_events")
    op.drop_index(op.f("ix_external_orders_broker_account_id"), table_name="external_orders")
    op.drop_table("external_orders")
    op.drop_index(
        "uq_discrepancies_open_subject",
        table_name="discrepancies",
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.drop_index(op.f("ix_discrepancies_gateway_id"), table_name="discrepancies")
    op.drop_index("ix_discrepancies_account_seen", table_name="discrepancies")
    op.drop_table("discrepancies")
    op.drop_table("quotes")
    op.drop_table("corporate_actions")
