"""Writing the audit trail. An entry is part of the transaction it describes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

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
    session.add(
        AuditEvent(
            at=datetime.now(UTC),
            actor=actor.name,
            user_id=actor.user_id,
            address=actor.address,
            action=action,
            entity=entity,
            entity_id=str(entity_id),
            before=before,
            after=after,
        )
    )
