"""Writing the audit trail. An entry is part of the transaction it describes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import Insert, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from domain.instruments import Frozen
from infra.db.models import AuditEvent


class Actor(Frozen):
    """Who acts: a signed-in person, or a part of the desk."""

    name: str = Field(description="e-mail, or the component's name")
    user_id: UUID | None = None
    address: str = ""


def audit(
    session: AsyncSession,
    actor: Actor,
    action: str,
    entity: str,
    entity_id: object,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add one entry; ``action`` is in the past tense, e.g. ``recommendation.approved``."""
    entry = _entry(actor, action, entity, entity_id)
    session.add(AuditEvent(**entry, before=before, after=after))


def audit_entry(
    actor: Actor,
    action: str,
    entity: str,
    entity_id: object,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Insert:
    """The same as a statement, to be written together with what it tells of."""
    entry = _entry(actor, action, entity, entity_id)
    return insert(AuditEvent).values(id=uuid7(), **entry, before=before, after=after)


async def audit_once(
    session: AsyncSession,
    actor: Actor,
    action: str,
    entity: str,
    entity_id: str,
    *,
    after: dict[str, Any],
) -> None:
    """As ``audit``, of a command that may be sent again: ``entity_id`` names it, and one entry
    tells of it."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(entity_id, 0))))
    known = select(AuditEvent.id).where(
        AuditEvent.entity == entity, AuditEvent.entity_id == entity_id, AuditEvent.action == action
    )
    if await session.scalar(known.limit(1)) is None:
        audit(session, actor, action, entity, entity_id, after=after)


def _entry(actor: Actor, action: str, entity: str, entity_id: object) -> dict[str, Any]:
    return {
        "at": datetime.now(UTC),
        "actor": actor.name,
        "user_id": actor.user_id,
        "address": actor.address,
        "action": action,
        "entity": entity,
        "entity_id": str(entity_id),
    }
