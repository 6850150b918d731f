"""The rules for data: what is kept for ever, and what goes after a time.

Kept for ever: recommendations, decisions, orders and their events, executions, position events,
discrepancies, alerts, the audit trail, limits and trading states. They are the record, and small.
Quotes hold one row per instrument and never grow old. What grows is below; it is deleted in
batches, so that no transaction is long. Partitions by month would pay from ten million rows on.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from sqlalchemy import CursorResult, text

from infra.db.session import Sessions, own_sessions
from infra.settings import Settings

BATCH = 2000


class Rule(NamedTuple):
    """What goes: rows of ``table`` that meet ``condition``."""

    table: str
    words: str
    condition: str


RULES = (
    Rule("recorded_chains", "90 days", "created_at < now() - interval '90 days'"),
    Rule(
        "account_snapshots",
        "30 days, then the last of each day",
        "created_at < now() - interval '30 days' AND EXISTS (SELECT 1 FROM account_snapshots later "
        "WHERE later.broker_account_id = account_snapshots.broker_account_id "
        "AND later.as_of > account_snapshots.as_of AND (later.as_of AT TIME ZONE "
        "'America/New_York')::date = (account_snapshots.as_of AT TIME ZONE "
        "'America/New_York')::date)",
    ),
    Rule("notifications", "90 days", "created_at < now() - interval '90 days'"),
    Rule("command_receipts", "2 days", "created_at < now() - interval '2 days'"),
    Rule(
        "sessions",
        "30 days after their end",
        "LEAST(expires_at, COALESCE(revoked_at, expires_at)) < now() - interval '30 days'",
    ),
)


async def prune(settings: Settings, *, dry_run: bool = False) -> list[tuple[Rule, int]]:
    """How many rows each rule deleted, or would with ``dry_run``."""
    async with own_sessions(settings) as sessions:
        return [(rule, await _apply(sessions, rule, dry_run=dry_run)) for rule in RULES]


async def _apply(sessions: Sessions, rule: Rule, *, dry_run: bool) -> int:
    # Names and conditions are constants of this module.
    rows = f"FROM {rule.table} WHERE {rule.condition}"
    if dry_run:
        async with sessions() as session:
            return await session.scalar(text(f"SELECT count(*) {rows}")) or 0
    gone = 0
    while True:
        async with sessions.begin() as session:
            batch = f"SELECT id {rows} LIMIT {BATCH}"
            done = cast(
                "CursorResult[Any]",
                await session.execute(text(f"DELETE FROM {rule.table} WHERE id IN ({batch})")),  # noqa: S608  # nosec B608
            )
        gone += done.rowcount
        if done.rowcount < BATCH:
            return gone
