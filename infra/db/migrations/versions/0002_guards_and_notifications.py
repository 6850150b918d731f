"""What the database itself promises: immutable terms, append-only records, change notices

Revision: 0002, after 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NOTIFYING = (
    "recommendations",
    "orders",
    "executions",
    "alerts",
    "account_snapshots",
    "strategy_runs",
    "strategy_instances",
    "broker_accounts",
    "settings",
)
APPEND_ONLY = ("order_events", "audit_events")
# Columns of a table that may never change once written.
FROZEN = {
    "recommendations": (
        "terms", "terms_hash", "side", "action", "quantity", "limit_price", "floor_price",
        "deadline", "broker_account_id", "portfolio_id", "instrument_id",
        "strategy_version_id", "strategy_instance_id",
    ),
    "decisions": (
        "recommendation_id", "user_id", "action", "terms_hash", "quantity", "limit_price",
        "reason", "idempotency_key", "decided_at",
    ),
    "orders": (
        "order_key", "recommendation_id", "decision_id", "attempt", "broker_account_id",
        "gateway_id", "instrument_id", "side", "quantity", "limit_price", "tif", "intent",
    ),
    "executions": ("exec_id", "broker_account_id", "con_id", "side", "quantity", "price"),
}  # fmt: skip

# Every commit that changes one of these rows tells the listeners which row, and nothing of it.
NOTIFY = """
CREATE FUNCTION notify_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('greenlight', json_build_object(
        'table', TG_TABLE_NAME,
        'id', COALESCE(NEW.id, OLD.id),
        'op', TG_OP,
        'account', CASE WHEN TG_TABLE_NAME = 'broker_accounts' THEN COALESCE(NEW.id, OLD.id)::text
                        ELSE COALESCE(to_jsonb(NEW), to_jsonb(OLD)) ->> 'broker_account_id' END
    )::text);
    RETURN NULL;
END $$
"""

# Positions arrive by the thousand: one notice per account and statement, not one per row.
NOTIFY_POSITIONS = """
CREATE FUNCTION notify_positions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('greenlight', json_build_object(
        'table', 'positions', 'id', NULL, 'op', TG_OP, 'account', broker_account_id)::text)
    FROM (SELECT DISTINCT broker_account_id FROM changed) AS accounts;
    RETURN NULL;
END $$
"""

APPEND_ONLY_GUARD = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$
"""

FROZEN_GUARD = """
CREATE FUNCTION refuse_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    frozen text;
BEGIN
    FOREACH frozen IN ARRAY TG_ARGV LOOP
        IF (to_jsonb(NEW) -> frozen) IS DISTINCT FROM (to_jsonb(OLD) -> frozen) THEN
            RAISE EXCEPTION '%.% cannot change once written', TG_TABLE_NAME, frozen
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    for function in (NOTIFY, NOTIFY_POSITIONS, APPEND_ONLY_GUARD, FROZEN_GUARD):
        op.execute(function)
    for table in NOTIFYING:
        op.execute(
            f"CREATE TRIGGER {table}_notify AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION notify_change()"
        )
    # The clock of a gateway is written every second; only what a person would notice is told.
    op.execute(
        "CREATE TRIGGER gateways_notify AFTER UPDATE ON gateways FOR EACH ROW WHEN "
        "((OLD.connection, OLD.connection_detail, OLD.session_open, OLD.clock_rate) IS DISTINCT FROM "
        "(NEW.connection, NEW.connection_detail, NEW.session_open, NEW.clock_rate)) "
        "EXECUTE FUNCTION notify_change()"
    )
    for verb, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER positions_notify_{verb.lower()} AFTER {verb} ON positions "
            f"REFERENCING {row} TABLE AS changed "
            "FOR EACH STATEMENT EXECUTE FUNCTION notify_positions()"
        )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
    for table, columns in FROZEN.items():
        arguments = ", ".join(f"'{column}'" for column in columns)
        op.execute(
            f"CREATE TRIGGER {table}_frozen BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION refuse_frozen({arguments})"
        )


def downgrade() -> None:
    for table in FROZEN:
        op.execute(f"DROP TRIGGER {table}_frozen ON {table}")
    for table in APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
    for verb in ("insert", "update", "delete"):
        op.execute(f"DROP TRIGGER positions_notify_{verb} ON positions")
    op.execute("DROP TRIGGER gateways_notify ON gateways")
    for table in NOTIFYING:
        op.execute(f"DROP TRIGGER {table}_notify ON {table}")
    for function in ("notify_change", "notify_positions", "refuse_change", "refuse_frozen"):
        op.execute(f"DROP FUNCTION {function}()")
