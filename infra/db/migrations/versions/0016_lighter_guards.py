"""Guards that cost nothing where nothing frozen is written; an estimate that may follow its order

Revision: 0016, after 0015

A frozen column can change only in a statement that names it, so its guard need not look at any
other: it turned the whole row into JSON once for every column, at every update of an order.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# As the revisions that made them left them.
FROZEN = {
    ("recommendations", "recommendations_frozen"): (
        "terms", "terms_hash", "side", "action", "quantity", "limit_price", "floor_price",
        "deadline", "broker_account_id", "portfolio_id", "instrument_id",
        "strategy_version_id", "strategy_instance_id",
    ),
    ("decisions", "decisions_frozen"): (
        "recommendation_id", "user_id", "action", "terms_hash", "quantity", "limit_price",
        "reason", "idempotency_key", "decided_at",
    ),
    ("orders", "orders_frozen"): (
        "order_key", "recommendation_id", "decision_id", "attempt", "broker_account_id",
        "gateway_id", "instrument_id", "side", "quantity", "limit_price", "tif", "intent",
    ),
    ("orders", "orders_judgement_frozen"): (
        "notional", "controls", "what_if", "own_margin", "limits",
    ),
    ("executions", "executions_frozen"): (
        "exec_id", "broker_account_id", "con_id", "side", "quantity", "price",
    ),
}  # fmt: skip
OWN_MARGIN = "own_margin"


def upgrade() -> None:
    for (table, trigger), columns in FROZEN.items():
        kept = tuple(column for column in columns if column != OWN_MARGIN)
        _replace(table, trigger, kept, f"UPDATE OF {', '.join(kept)}")
    # The order does not wait for our own estimate: it is written once, after the order was sent.
    op.execute(
        f"CREATE TRIGGER orders_own_margin_frozen BEFORE UPDATE OF {OWN_MARGIN} ON orders "
        f"FOR EACH ROW WHEN (OLD.{OWN_MARGIN} IS NOT NULL) "
        f"EXECUTE FUNCTION refuse_frozen('{OWN_MARGIN}')"
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER orders_own_margin_frozen ON orders")
    for (table, trigger), columns in FROZEN.items():
        _replace(table, trigger, columns, "UPDATE")


def _replace(table: str, trigger: str, columns: tuple[str, ...], event: str) -> None:
    arguments = ", ".join(f"'{column}'" for column in columns)
    op.execute(
        f"CREATE OR REPLACE TRIGGER {trigger} BEFORE {event} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_frozen({arguments})"
    )
