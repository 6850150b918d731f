"""A person's notification channels."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import Notification, NotificationChannel
from infra.db.queries.columns import AnyRow


async def channel_rows(session: AsyncSession, user_id: UUID) -> Sequence[AnyRow]:
    """The user's channels by name, each with what became of its messages."""
    waits = and_(Notification.sent_at.is_(None), Notification.dropped_at.is_(None))
    statement = (
        select(
            *(
                column
                for column in NotificationChannel.__table__.columns
                if column.name != "sealed_url"
            ),
            func.max(Notification.sent_at).label("last_sent_at"),
            func.count(Notification.id).filter(waits).label("waiting"),
            func.coalesce(func.max(Notification.error).filter(waits), "").label("error"),
        )
        .select_from(NotificationChannel)
        .outerjoin(Notification, Notification.channel_id == NotificationChannel.id)
        .where(NotificationChannel.user_id == user_id)
        .group_by(NotificationChannel.id)
        .order_by(NotificationChannel.name, NotificationChannel.id)
    )
    return (await session.execute(statement)).all()


async def own_channel(
    session: AsyncSession, user_id: UUID, channel_id: UUID, *, lock: bool = False
) -> NotificationChannel | None:
    statement = select(NotificationChannel).where(
        NotificationChannel.id == channel_id, NotificationChannel.user_id == user_id
    )
    return await session.scalar(statement.with_for_update() if lock else statement)
