"""A gateway session: lease, sync, reconnects, and what the listener makes of the broker's words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import ib_async
import pytest

from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.orders import OrderState
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.ibkr import client
from infra.ibkr import session as gateway_session
from infra.ibkr.client import LOST, RESTORED
from infra.ibkr.mapping import ib_option
from infra.ibkr.recorder import CommissionSeen, StatusLine
from infra.ibkr.session import News
from infra.simulator.faults import Moment
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import CLIENT_NUMBER

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


def hear_error(world: BrokerWorld, code: int) -> None:
    world.session.client.wrapper.error(-1, code, "connectivity")


# --- sync ----------------------------------------------------------------------------------


async def test_what_filled_while_the_worker_was_away_is_recorded_before_it_is_ready(
    world: BrokerWorld,
):
    key = await world.ready(resting=False)
    world.gateway.faults.drop_connection(Moment.AFTER, 3)
    with suppress(GreenlightError):
        await world.place(key)
    await world.stop()
    world.trade_until_filled(key)
    await world.start()
    assert await world.desk.state(key) is OrderState.FILLED
    (execution,) = await world.desk.all(m.Execution)
    assert execution.commission is not None


async def test_a_trade_made_outside_the_desk_is_kept_as_external(world: BrokerWorld):
    contract = await world.put()
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", world.gateway.port, clientId=99)
    trade = other.placeOrder(ib_option(contract), ib_async.MarketOrder("SELL", 1))
    await other.reqCurrentTimeAsync()
    for _ in range(60):
        world.gateway.clock.advance(timedelta(seconds=1))
    await other.reqCurrentTimeAsync()
    assert trade.isDone()
    other.disconnect()
    await world.session.ledger.record_books("test", await world.session.broker.read_books())
    (execution,) = await world.desk.all(m.Execution)
    assert execution.order_id is None
    assert "EXTERNAL_FILL" in await world.desk.alert_codes()


async def test_a_trade_made_outside_the_desk_is_noticed_while_no_order_of_ours_is_in_doubt(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    await world.stop()
    monkeypatch.setattr(gateway_session, "COMPARE_SECONDS", 0.05)
    monkeypatch.setattr(gateway_session, "QUIET_TURNS", 2)
    await world.start()
    contract = await world.put()
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", world.gateway.port, clientId=99)
    other.placeOrder(ib_option(contract), ib_async.MarketOrder("SELL", 1))
    await other.reqCurrentTimeAsync()
    for _ in range(60):
        world.gateway.clock.advance(timedelta(seconds=1))
    other.disconnect()

    async def kept() -> bool:
        return bool(await world.desk.all(m.Execution))

    await world.until(kept)


async def test_a_session_that_lost_its_lease_hangs_up_and_sends_nothing(world: BrokerWorld):
    key = await world.ready()
    async with world.sessions.begin() as session:
        gateway = await session.get(m.Gateway, world.desk.gateway_id)
        assert gateway is not None
        gateway.lease_owner, gateway.lease_epoch = "another", gateway.lease_epoch + 1
    with pytest.raises(GreenlightError) as raised:
        await world.place(key)
    assert raised.value.code is ErrorCode.LEASE_LOST

    async def hung_up() -> bool:
        return not world.session.client.ib.isConnected()

    await world.until(hung_up)
    assert world.at_broker(key) == []


async def test_a_client_id_in_use_is_tried_again_without_waiting_out_the_greeting(
    world: BrokerWorld,
):
    await world.stop()
    intruder = ib_async.IB()
    await intruder.connectAsync("127.0.0.1", world.gateway.port, clientId=CLIENT_NUMBER)
    starting = asyncio.create_task(world.start())
    await asyncio.wait({starting}, timeout=1.0)
    assert not starting.done()
    intruder.disconnect()
    async with asyncio.timeout(8):
        await starting


# --- connectivity --------------------------------------------------------------------------


async def test_nothing_is_asked_or_sent_between_1100_and_1102(world: BrokerWorld):
    hear_error(world, LOST)
    with pytest.raises(BrokerUnavailable):
        world.session.broker.reserve_order_id()
    hear_error(world, RESTORED)
    await world.synced()
    assert world.session.broker.reserve_order_id() > 0


async def test_connectivity_lost_again_during_the_comparison_is_not_called_ready(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    client = world.session.client
    compared = asyncio.Event()
    real_compare = client._on_synced

    async def lose_it_again() -> None:
        await real_compare()
        hear_error(world, LOST)
        compared.set()

    was_ready: list[bool] = []
    real_save = client._on_state

    async def save(state: str, detail: str) -> None:
        was_ready.append(client.ready.is_set())
        await real_save(state, detail)

    monkeypatch.setattr(client, "_on_synced", lose_it_again)
    monkeypatch.setattr(client, "_on_state", save)
    hear_error(world, LOST)
    hear_error(world, RESTORED)
    await asyncio.wait_for(compared.wait(), 10)
    await asyncio.sleep(0)
    assert not client.ready.is_set()
    assert True not in was_ready


async def test_account_values_survive_many_reconnects_of_the_gateway_to_ibkr(world: BrokerWorld):
    """ib_async would open one more account summary at each 1102; TWS allows two."""
    for _ in range(3):
        hear_error(world, LOST)
        hear_error(world, RESTORED)
        await world.synced()
    summaries = world.gateway._server._gateway.sessions[CLIENT_NUMBER].summaries
    await world.session.broker.account_values("DU1000001")
    await world.session.client.ib.reqCurrentTimeAsync()
    assert summaries == {}


@pytest.mark.parametrize("direction", [None, "received", "sent"])
async def test_a_connection_that_is_open_and_dead_is_noticed_and_made_anew(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch, direction: str | None
):
    await world.stop()
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(client, "SILENCE_SECONDS", 0.5)
    monkeypatch.setattr(client, "SLOW_SECONDS", 1.5)
    await world.start()
    (dead,) = world.gateway.faults.connections
    world.gateway.faults.half_open(direction)
    await world.connected_anew(dead)
    key = await world.working()
    assert len(world.at_broker(key)) == 1


async def test_a_line_that_grows_slow_and_still_answers_is_kept(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    await world.stop()
    monkeypatch.setattr(client, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(client, "SILENCE_SECONDS", 1.0)
    await world.start()
    (line,) = world.gateway.faults.connections
    loop = asyncio.get_running_loop()

    async def keep_talking() -> None:
        while True:
            world.session.client.ib.client.reqMatchingSymbols(next(numbers), "SPY")
            await asyncio.sleep(0.05)

    numbers = count(1_000_000)
    talking = asyncio.create_task(keep_talking())
    # Each step is shorter than a silence; together they come to twice as much.
    for _ in range(5):
        world.gateway.faults.delay(0.4)
        await asyncio.sleep(0.5)
    asked = loop.time()
    await world.session.client.server_time()
    talking.cancel()
    assert loop.time() - asked > 1.8
    assert world.session.client.ready.is_set()
    assert world.gateway.faults.connections == {line}


# --- whose number is it? -------------------------------------------------------------------


async def test_errors_of_requests_are_never_taken_for_an_order_that_was_not_heard_of(
    world: BrokerWorld,
):
    """An order claimed and never sent holds a number the gateway offers again after a restart."""
    key = await world.ready()
    numbers = [world.session.broker.reserve_order_id() for _ in range(20)]
    assert await world.session.ledger.claim(key, numbers[-1], CLIENT_NUMBER)
    await world.stop()
    await world.start()
    nowhere = ib_async.Option("NOSUCH", "20261218", 1, "P", "SMART")
    for _ in range(30):
        await world.session.client.ib.reqContractDetailsAsync(nowhere)
    await world.session.listener.drained()
    order = await world.desk.order(key)
    assert order.reason_code is not ErrorCode.BROKER_REJECTED
    assert not [e for e in await world.desk.all(m.OrderEvent) if e.kind in ("rejected", "error")
                and e.order_id == order.id]  # fmt: skip


async def test_order_ids_are_never_handed_out_twice_across_restarts(world: BrokerWorld):
    key = await world.ready()
    claimed = world.session.broker.reserve_order_id()
    assert await world.session.ledger.claim(key, claimed, CLIENT_NUMBER)
    await world.stop()
    await world.start()
    assert world.session.broker.reserve_order_id() > claimed


async def test_a_status_of_another_order_under_a_reused_id_does_not_touch_ours(
    world: BrokerWorld,
):
    key = await world.working()
    await world.session.listener.drained()
    order = await world.desk.order(key)
    assert order.broker_order_id is not None
    world.session.client.wrapper._note(
        StatusLine(order.broker_order_id, CLIENT_NUMBER, 424242, "Submitted", "")
    )
    await world.session.listener.drained()
    assert await world.desk.state(key) is OrderState.WORKING


async def test_a_preview_refused_names_its_own_refusal_only(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    approval = await world.approve()
    context = await world.session.ledger.trade_context(
        approval.recommendation_id, approval.decision_id
    )
    key = await world.desk.ready_in(world.session.ledger, context, approval)
    record = await world.session.ledger.find(key)
    assert record is not None
    bad = record.intent.model_copy(update={"limit_price": Decimal("5.0037")})
    previewing = asyncio.create_task(world.session.broker.what_if(bad))
    await asyncio.sleep(0)
    world.session.client.wrapper.error(7777777, 354, "not subscribed")
    with pytest.raises(GreenlightError) as raised:
        await previewing
    assert raised.value.code is ErrorCode.WHAT_IF_FAILED
    assert "110" in raised.value.detail
    assert "354" not in raised.value.detail


# --- the listener --------------------------------------------------------------------------


async def test_a_message_that_can_never_be_stored_does_not_hold_up_the_next(world: BrokerWorld):
    key = await world.ready(resting=False)
    beyond_any_column = ib_async.CommissionReport("x.01", 1e30, "USD", 0.0)
    world.session.client.wrapper._note(CommissionSeen(beyond_any_column))
    await world.place(key)
    world.trade_until_filled(key)
    await world.until_state(key, OrderState.FILLED)
    await world.session.listener.drained()
    assert "BROKER_MESSAGE_REFUSED" in await world.desk.alert_codes()


async def test_a_receiver_that_hangs_does_not_hold_back_the_record():
    told: list[str] = []
    hanging = asyncio.Event()

    async def tell(order_key: str) -> None:
        told.append(order_key)
        if order_key == "slow":
            await hanging.wait()
        if order_key == "broken":
            raise RuntimeError("no")

    news = News(tell)
    running = asyncio.create_task(news.run())
    for key in ("slow", "broken", "next", "next"):
        news.add(key)
        await asyncio.sleep(0)
    hanging.set()
    async with asyncio.timeout(5):
        while "next" not in told:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.001)
    running.cancel()
    assert told == ["slow", "broken", "next"]
