"""A chain of hashes over the audit trail

Revision: 0013, after 0012

Each entry is linked as its transaction commits: the lock that orders the links is then held for
the commit alone, and nothing is locked after it, so that it can be part of no deadlock.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# The expression that ``infra.db.audit_chain`` reads the same entry back with.
CANONICAL = """
CREATE FUNCTION audit_canonical(entry audit_events) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_array(
        entry.id, (extract(epoch FROM entry.at) * 1000000)::bigint, entry.actor, entry.user_id,
        entry.address, entry.action, entry.entity, entry.entity_id, entry.before, entry.after
    )::text
$$
"""
# As the owner of the tables: the desk's own role may not write links at all.
CHAIN = """
CREATE FUNCTION chain_audit_event() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(287454021);
    SELECT seq, hash INTO last FROM audit_links ORDER BY seq DESC LIMIT 1;
    INSERT INTO audit_links (seq, event_id, previous_hash, hash) VALUES (
        COALESCE(last.seq, 0) + 1,
        NEW.id,
        COALESCE(last.hash, decode(repeat('00', 32), 'hex')),
        sha256(COALESCE(last.hash, decode(repeat('00', 32), 'hex'))
               || convert_to(audit_canonical(NEW), 'UTF8'))
    );
    RETURN NULL;
END $$
"""
# What is on record already is linked in the order it was written.
LINK_THE_PAST = """
DO $$
DECLARE
    entry audit_events;
    previous bytea := decode(repeat('00', 32), 'hex');
    number bigint := 0;
BEGIN
    FOR entry IN SELECT * FROM audit_events ORDER BY created_at, id LOOP
        number := number + 1;
        INSERT INTO audit_links (seq, event_id, previous_hash, hash) VALUES (
            number, entry.id, previous,
            sha256(previous || convert_to(audit_canonical(entry), 'UTF8'))
        ) RETURNING hash INTO previous;
    END LOOP;
END $$
"""
_NEVER_EMPTIED = ("audit_events", "audit_links", "order_events")


def upgrade() -> None:
    op.create_table(
        "audit_links",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False, comment="1, 2, 3, … without a gap"),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column(
            "previous_hash", sa.LargeBinary(), nullable=False, comment="of the link before; zeros"
        ),
        sa.Column(
            "hash",
            sa.LargeBinary(),
            nullable=False,
            comment="SHA-256 of previous_hash and the entry",
        ),
        *(
            sa.Column(
                name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
            )
            for name in ("created_at", "updated_at")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["audit_events.id"], name=op.f("fk_audit_links_event_id_audit_events")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_links")),
        sa.UniqueConstraint("seq", name=op.f("uq_audit_links_seq")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_links_event_id")),
    )
    for statement in (CANONICAL, LINK_THE_PAST, CHAIN):
        op.execute(statement)
    op.execute(
        "CREATE CONSTRAINT TRIGGER audit_events_chained AFTER INSERT ON audit_events "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION chain_audit_event()"
    )
    op.execute(
        "CREATE TRIGGER audit_links_append_only BEFORE UPDATE OR DELETE ON audit_links "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    for table in _NEVER_EMPTIED:
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in _NEVER_EMPTIED:
        op.execute(f"DROP TRIGGER {table}_never_emptied ON {table}")
    op.execute("DROP TRIGGER audit_events_chained ON audit_events")
    op.drop_table("audit_links")
    op.execute("DROP FUNCTION chain_audit_event()")
    op.execute("DROP FUNCTION audit_canonical(audit_events)")
