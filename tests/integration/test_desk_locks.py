"""Writers of one order take their locks in one order, so that none has to be turned away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from infra.db import models as m
from infra.db.session import create_engine, sessions
from tests.integration.trading_world import SLUG, TradingWorld, execution

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


async def test_a_commission_waits_for_who_holds_its_order_without_holding_its_execution(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    seen = execution(key)
    await world.record.execution(SLUG, seen)
    async with world.sessions.begin() as books:
        await books.execute(select(m.Order.id).where(m.Order.order_key == key).with_for_update())
        commission = asyncio.create_task(
            world.record.commission(SLUG, seen.fill.exec_id, Decimal("1.05"), "USD", None)
        )
        await until_somebody_waits(world)
        await books.execute(
            update(m.Execution)
            .where(m.Execution.exec_id == seen.fill.exec_id)
            .values(superseded=False)
        )
    assert await commission == key
    (row,) = await world.all(m.Execution)
    assert row.commission == Decimal("1.05")


async def until_somebody_waits(world: TradingWorld) -> None:
    """Until a transaction of this database waits for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with world.sessions() as session:
                if await session.scalar(waiting):
                    return
            await asyncio.sleep(0.02)
