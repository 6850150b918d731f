"""What happens to one order at the same time must not be taken for a contradiction."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, text, update

from domain.order_evidence import BrokerStatus
from domain.orders import OrderState
from infra.db import models as m
from infra.db.session import create_engine, sessions
from tests.integration.broker_answers import books, broker_order, execution
from tests.integration.trading_world import SLUG, TradingWorld

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
    async with world.sessions.begin() as other:
        await other.execute(select(m.Order.id).where(m.Order.order_key == key).with_for_update())
        commission = asyncio.create_task(
            world.record.commission(SLUG, seen.fill.exec_id, Decimal("1.05"), "USD", None)
        )
        await until_somebody_waits(world)
        await other.execute(
            update(m.Execution)
            .where(m.Execution.exec_id == seen.fill.exec_id)
            .values(superseded=False)
        )
    assert await commission == key
    (row,) = await world.all(m.Execution)
    assert row.commission == Decimal("1.05")


async def test_books_opened_before_the_broker_answered_do_not_throw_doubt_on_an_order(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    opened_while_it_was_sent = books(after=timedelta())
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))

    await world.record.books(SLUG, opened_while_it_was_sent)
    assert await world.state(key) is OrderState.WORKING

    await world.record.books(SLUG, books(after=timedelta(seconds=1)))
    assert await world.state(key) is OrderState.UNKNOWN


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
