"""Cancelling at a gateway that fails at the worst moments: proven by the books, or in doubt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.orders import OrderState
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.simulator.faults import Moment
from tests.integration.broker_answers import execution
from tests.integration.broker_world import (
    CANCEL_ORDER,
    PLACE_ORDER,
    BrokerWorld,
    broker_world,
    then,
)
from tests.integration.trading_world import CLIENT_NUMBER, SLUG

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def test_a_cancel_is_proven_by_the_books(world: BrokerWorld):
    key = await world.working()
    assert (await world.cancel(key)).state is OrderState.CANCELLED


async def test_a_cancel_that_meets_a_fill_ends_filled(world: BrokerWorld, no_waiting: None):
    key = await world.ready(resting=False)
    world.session.broker.send = then(  # type: ignore[method-assign]
        world.gateway.faults.hold_callbacks, world.session.broker.send
    )
    await world.place(key)
    world.trade_until_filled(key)
    cancelling = asyncio.create_task(world.cancel(key))
    await world.until_state(key, OrderState.CANCEL_PENDING)
    world.gateway.faults.release_callbacks()
    assert (await cancelling).state is OrderState.FILLED
    assert len(await world.desk.all(m.Execution)) == 1


async def test_a_fill_recorded_just_before_the_cancel_is_noted_does_no_harm(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    key = await world.working()
    real_record = world.session.ledger.record
    perm_id = world.at_broker(key)[0].perm_id

    async def fill_first(order_key: str, evidence: object) -> object:
        monkeypatch.undo()
        await world.desk.record.execution(SLUG, execution(key, perm_id=perm_id))
        return await real_record(order_key, evidence)  # type: ignore[arg-type]

    monkeypatch.setattr(world.session.ledger, "record", fill_first)
    assert (await world.cancel(key)).state is OrderState.FILLED


async def test_a_cancel_lost_on_the_line_can_be_asked_again(world: BrokerWorld, no_waiting: None):
    key = await world.working()
    (line,) = world.gateway.faults.connections
    world.gateway.faults.drop_connection(Moment.BEFORE, CANCEL_ORDER)
    with pytest.raises((GreenlightError, ConnectionError)):
        await world.cancel(key)
    await world.connected_anew(line)
    assert (await world.cancel(key)).state is OrderState.CANCELLED


async def test_a_cancel_of_an_order_that_never_arrived_cancels_no_other(
    world: BrokerWorld, no_waiting: None
):
    lost = await world.ready()
    world.gateway.faults.drop_connection(Moment.BEFORE, PLACE_ORDER)
    await world.place(lost)
    await world.stop()
    await world.start()
    other = await world.ready(strike=630)
    await world.place(other)
    await world.cancel(lost)
    assert [order.status.value for order in world.at_broker(other)] == ["Submitted"]


async def test_an_order_sent_as_another_api_client_is_not_cancelled_by_number(
    world: BrokerWorld,
):
    key = await world.working()
    async with world.sessions.begin() as session:
        row = await session.get(m.Order, (await world.desk.order(key)).id)
        assert row is not None
        row.client_number = CLIENT_NUMBER + 1
    with pytest.raises(GreenlightError) as raised:
        await world.cancel(key)
    assert raised.value.code is ErrorCode.BROKER_UNAVAILABLE
    assert [order.status.value for order in world.at_broker(key)] == ["Submitted"]


async def test_cancelling_before_the_send_sends_nothing(world: BrokerWorld):
    key = await world.ready()
    assert (await world.cancel(key)).state is OrderState.DENIED
    assert (await world.place(key)).state is OrderState.DENIED
    assert world.at_broker(key) == []


async def test_a_day_order_still_resting_at_the_close_has_lapsed(world: BrokerWorld):
    key = await world.working()
    world.gateway.clock.advance(timedelta(hours=7))
    await world.until_state(key, OrderState.CANCEL_PENDING, OrderState.LAPSED)
    assert (await world.resolve(key)).state is OrderState.LAPSED
