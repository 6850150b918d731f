"""One account, if whoever asks may see it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import BrokerAccount, Portfolio
from infra.db.queries.columns import AnyRow
from infra.db.queries.viewer import Viewer


async def visible_account(session: AsyncSession, viewer: Viewer, account_id: UUID) -> AnyRow | None:
    statement = (
        select(
            BrokerAccount.id,
            BrokerAccount.code,
            BrokerAccount.alias,
            BrokerAccount.portfolio_id,
            Portfolio.client_id,
        )
        .join(Portfolio, Portfolio.id == BrokerAccount.portfolio_id)
        .where(BrokerAccount.id == account_id, viewer.sees(BrokerAccount.id))
    )
    return (await session.execute(statement)).one_or_none()
