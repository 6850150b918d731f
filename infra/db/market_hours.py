"""When a regular reading is due: always while the market is open, seldom while it is closed."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from infra.calendars import trading_calendar
from infra.db.clock import clock_of, host_now
from infra.db.models import BrokerAccount, ConnectionState, Gateway

CLOSED_EVERY = timedelta(minutes=15)


async def is_reading_due(
    session: AsyncSession, slug: str, last_read: InstrumentedAttribute[datetime | None]
) -> bool:
    """Whether the accounts of a gateway should be read now, by market time.

    ``last_read`` is the column of ``BrokerAccount`` with the last reading; the oldest counts.
    False while the gateway is not connected: nothing could be read.
    """
    gateway = await session.scalar(select(Gateway).where(Gateway.slug == slug))
    if gateway is None or gateway.connection is not ConnectionState.CONNECTED:
        return False
    clock = clock_of(gateway)
    if clock is None:
        return True
    times = await session.scalars(
        select(last_read)
        .join_from(BrokerAccount, Gateway, Gateway.id == BrokerAccount.gateway_id)
        .where(Gateway.slug == slug)
    )
    read = list(times)
    if not read:
        return False
    known = [each for each in read if each is not None]
    oldest = min(known) if len(known) == len(read) else None
    return is_due(clock.now(host_now()), oldest)


def is_due(market_now: datetime, last_read: datetime | None) -> bool:
    """While the market is closed: once after its close, then every ``CLOSED_EVERY``."""
    calendar = trading_calendar()
    if last_read is None or calendar.is_open(market_now):
        return True
    closed_at = calendar.previous_session(market_now).close_at
    return last_read < closed_at or market_now - last_read >= CLOSED_EVERY
