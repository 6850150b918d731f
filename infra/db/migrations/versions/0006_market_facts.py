"""What is known of underlyings: their history, dividends, sector and earnings dates

Revision: 0006, after 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PRICE = sa.Numeric(precision=18, scale=6)


def upgrade() -> None:
    op.create_table(
        "daily_history",
        _key(),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="exchange date"),
        sa.Column("close", PRICE, nullable=True),
        sa.Column("iv", sa.Double(), nullable=True, comment="annualised, decimal"),
        *_times(),
        _of_instrument("daily_history"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_daily_history")),
        sa.UniqueConstraint(
            "instrument_id", "day", name=op.f("uq_daily_history_instrument_id_day")
        ),
    )
    op.create_table(
        "underlying_facts",
        _key(),
        sa.Column("instrument_id", sa.Uuid(), nullable=False),
        sa.Column("sector", sa.String(), nullable=False, comment="IBKR's industry"),
        sa.Column("stock_type", sa.String(), nullable=False, comment="COMMON, ETF, INDEX, …"),
        sa.Column(
            "dividends_read_on", sa.Date(), nullable=True, comment="exchange date; null: untold"
        ),
        sa.Column("dividend_next_12_months", PRICE, nullable=True),
        sa.Column("dividend_ex_date", sa.Date(), nullable=True),
        sa.Column("dividend_amount", PRICE, nullable=True),
        sa.Column("prices_to", sa.Date(), nullable=True, comment="last session read"),
        sa.Column("volatility_to", sa.Date(), nullable=True, comment="last session read"),
        sa.Column(
            "refused_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="market time, if the broker refused a part of the last reading",
        ),
        *_times(),
        _of_instrument("underlying_facts"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_underlying_facts")),
        sa.UniqueConstraint("instrument_id", name=op.f("uq_underlying_facts_instrument_id")),
    )
    op.create_table(
        "earnings_dates",
        _key(),
        sa.Column("symbol", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False, comment="exchange date"),
        sa.Column(
            "known_to", sa.Date(), nullable=False, comment="no other announcement until then"
        ),
        *_times(),
        sa.CheckConstraint(
            "known_to >= day", name=op.f("ck_earnings_dates_known_to_not_before_day")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_earnings_dates")),
        sa.UniqueConstraint("symbol", "day", name=op.f("uq_earnings_dates_symbol_day")),
    )


def downgrade() -> None:
    for table in ("earnings_dates", "underlying_facts", "daily_history"):
        op.drop_table(table)


def _key() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False)


def _times() -> list[sa.Column[object]]:
    return [
        sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)
        for name in ("created_at", "updated_at")
    ]


def _of_instrument(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["instrument_id"], ["instruments.id"], name=op.f(f"fk_{table}_instrument_id_instruments")
    )
