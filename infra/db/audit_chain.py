"""Verifying the audit trail: every entry linked, every link right.

A link holds SHA-256 over the link before and its entry, so that changing, removing or slipping in
an entry breaks every link from there on. Somebody who owns the database could compute all of them
anew: keep the newest hash elsewhere now and then, and name it to the next verification.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from sqlalchemy import Text, cast, extract, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import AuditEvent, AuditLink

GENESIS = bytes(32)
_BATCH = 5000

# As the database wrote it: see ``audit_canonical`` in the migrations. Spelled out here, because a
# function in the database can be replaced by whoever would tamper with what it reads.
_CANONICAL = cast(
    func.jsonb_build_array(
        AuditEvent.id,
        cast(extract("epoch", AuditEvent.at) * 1000000, AuditLink.seq.type),
        AuditEvent.actor,
        AuditEvent.user_id,
        AuditEvent.address,
        AuditEvent.action,
        AuditEvent.entity,
        AuditEvent.entity_id,
        AuditEvent.before,
        AuditEvent.after,
    ),
    Text,
)


class Verification(NamedTuple):
    """``broken`` says what is wrong with the first row that is; None for a whole chain."""

    entries: int
    head: str
    """Hash of the newest link, in hex."""
    broken: str | None


async def verify_audit_chain(session: AsyncSession, known_head: str | None = None) -> Verification:
    """Walk the whole chain. ``known_head`` is a hash noted earlier, which must occur in it."""
    number, previous = 0, GENESIS
    seen = known_head is None
    while True:
        rows = (
            await session.execute(
                select(
                    AuditLink.seq,
                    AuditLink.event_id,
                    AuditLink.previous_hash,
                    AuditLink.hash,
                    _CANONICAL.label("canonical"),
                )
                .join(AuditEvent, AuditEvent.id == AuditLink.event_id, isouter=True)
                .where(AuditLink.seq > number)
                .order_by(AuditLink.seq)
                .limit(_BATCH)
            )
        ).all()
        for row in rows:
            expected = hashlib.sha256(previous + row.canonical.encode()).digest()
            wrong = _wrong(row.seq, number + 1, row.previous_hash == previous, row.hash == expected)
            if wrong is not None:
                return Verification(number, previous.hex(), f"{wrong} (entry {row.event_id})")
            number, previous = row.seq, row.hash
            seen = seen or previous.hex() == known_head
        if len(rows) < _BATCH:
            break
    return Verification(number, previous.hex(), await _what_is_missing(session, seen))


def _wrong(seq: int, expected: int, follows: bool, is_right: bool) -> str | None:
    if seq != expected:
        return f"link {expected} is missing: link {seq} follows"
    if not follows:
        return f"link {seq} does not follow the one before it"
    return None if is_right else f"link {seq}: its entry is not what was written"


async def _what_is_missing(session: AsyncSession, head_seen: bool) -> str | None:
    unlinked = await session.scalar(
        select(AuditEvent.id)
        .join(AuditLink, AuditLink.event_id == AuditEvent.id, isouter=True)
        .where(AuditLink.id.is_(None))
        .order_by(AuditEvent.id)
        .limit(1)
    )
    if unlinked is not None:
        return f"entry {unlinked} is not in the chain"
    return None if head_seen else "the hash noted earlier is not in the chain: its end was removed"
