"""One account, if whoever asks may see it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import BrokerAccount
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer


async def visible_account(session: AsyncSession, viewer: Viewer, account_id: UUID) -> AnyRow | None:
    statement = select(BrokerAccount.id, BrokerAccount.code, BrokerAccount.alias).where(
        BrokerAccount.id == account_id, viewer.sees(BrokerAccount.id)
    )
    return (await session.execute(statement)).one_or_none()
