"""Market time as the database knows it: the gateway's last reading, carried forward."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import BrokerUnavailable
from domain.market import MarketClock
from infra.db.models import BrokerAccount, Gateway


def host_now() -> datetime:
    return datetime.now(UTC)


async def database_now(session: AsyncSession) -> datetime:
    """Postgres's own time at this statement: one clock for all hosts that write to it."""
    now = await session.scalar(select(func.clock_timestamp()))
    assert now is not None
    return now


def clock_of(gateway: Gateway | Row[*tuple[Any, ...]]) -> MarketClock | None:
    """From a gateway, or a row that selects its ``CLOCK`` columns."""
    if gateway.market_at is None or gateway.clock_read_at is None:
        return None
    return MarketClock(
        market_at=gateway.market_at, observed_at=gateway.clock_read_at, rate=gateway.clock_rate
    )


CLOCK = (Gateway.market_at, Gateway.clock_read_at, Gateway.clock_rate)


def require_clock(gateway: Gateway | Row[*tuple[Any, ...]] | None) -> MarketClock:
    """Raises BrokerUnavailable while that gateway has never been reached."""
    clock = None if gateway is None else clock_of(gateway)
    if clock is None:
        raise BrokerUnavailable("market time is not known: the gateway has not been reached yet")
    return clock


async def account_clock(session: AsyncSession, broker_account_id: UUID) -> MarketClock:
    """The clock of the gateway an account is reached through.

    Raises BrokerUnavailable while that gateway has never been reached: without the broker's
    clock nobody can say whether a deadline has passed.
    """
    statement = (
        select(*CLOCK)
        .join(BrokerAccount, BrokerAccount.gateway_id == Gateway.id)
        .where(BrokerAccount.id == broker_account_id)
    )
    return require_clock((await session.execute(statement)).one_or_none())
