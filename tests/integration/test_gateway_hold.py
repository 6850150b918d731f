"""Who may speak for a gateway, and when: the lease, its fencing, and connectivity to IBKR."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from activities.orders import OrderActivities, OrderRef
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.market import QuoteQuality
from domain.orders import OrderState
from domain.ports import BrokerBooks
from infra.db import lease as lease_module
from infra.db import models as m
from infra.db.lease import Lease
from infra.db.ledger import LeaseHolder, PostgresLedger
from infra.db.session import Sessions, create_engine, own_connections, sessions
from infra.ibkr import session as gateway_session
from infra.ibkr.client import LOST, RESTORED, GatewayAddress
from infra.ibkr.session import GatewaySession
from infra.simulator.app import GatewayOptions, SimulatedGateway
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import CLIENT_NUMBER, MONDAY_10, SLUG

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def gateway_row(of: Sessions) -> m.Gateway:
    async with of() as session:
        row = await session.scalar(select(m.Gateway).where(m.Gateway.slug == SLUG))
    assert row is not None
    return row


async def until_shown(world: BrokerWorld, words: str, state: m.ConnectionState) -> None:
    async def shown() -> bool:
        row = await gateway_row(world.sessions)
        return row.connection is state and words in row.connection_detail

    await world.until(shown)


# --- the lease -----------------------------------------------------------------------------


async def steal_lease(world: BrokerWorld) -> None:
    async with world.sessions.begin() as session:
        gateway = await session.get_one(m.Gateway, world.desk.gateway_id)
        gateway.lease_owner, gateway.lease_epoch = "thief", gateway.lease_epoch + 1


async def test_a_lease_stolen_between_claim_and_send_leaves_nobody_who_sends(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    key = await world.ready()
    claim = world.session.ledger.claim

    async def claim_and_lose(*args: Any) -> bool:
        claimed = await claim(*args)
        await steal_lease(world)
        return claimed

    monkeypatch.setattr(world.session.ledger, "claim", claim_and_lose)
    view = await world.place(key)
    assert view.state is OrderState.UNKNOWN
    thief = LeaseHolder()
    thief.lease = Lease(SLUG, "thief", (await gateway_row(world.sessions)).lease_epoch)
    assert not await PostgresLedger(world.sessions, thief).claim(key, 999, CLIENT_NUMBER)
    assert world.at_broker(key) == []


async def test_a_lease_stolen_while_the_books_are_read_leaves_the_order_to_its_thief(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    key = await world.ready()
    read = world.session.broker.read_books

    async def robbed() -> BrokerBooks:
        seen = await read()
        await steal_lease(world)
        return seen

    monkeypatch.setattr(world.session.broker, "read_books", robbed)
    with pytest.raises(GreenlightError) as raised:
        await world.place(key)
    assert raised.value.code is ErrorCode.LEASE_LOST
    assert await world.desk.state(key) is OrderState.READY
    assert world.at_broker(key) == []


async def test_of_two_workers_on_one_gateway_the_second_takes_over_only_when_the_first_lets_go(
    world: BrokerWorld,
):
    key = await world.working()

    async def ignore(_: str) -> None: ...

    second = GatewaySession(SLUG, world.session.client.address, world.sessions, ignore)
    running = asyncio.create_task(second.run())
    try:
        with pytest.raises(GreenlightError) as raised:
            await second.ledger.claim(key, 1, CLIENT_NUMBER)
        assert raised.value.code is ErrorCode.LEASE_LOST
        first_epoch = (await gateway_row(world.sessions)).lease_epoch
        await world.stop()
        async with asyncio.timeout(20):
            await second.client.ready.wait()
        await until_shown(world, "", m.ConnectionState.CONNECTED)
        assert (await gateway_row(world.sessions)).lease_epoch == first_epoch + 1
        orders = OrderActivities(second.broker, second.ledger, second.changes)
        view = await ActivityEnvironment().run(orders.cancel_order, OrderRef(order_key=key))
        assert view.state is OrderState.CANCELLED
        assert len(world.at_broker(key)) == 1
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_starved_pool_does_not_hold_up_the_lease(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    await world.stop()
    for module in (lease_module, gateway_session):
        monkeypatch.setattr(module, "LEASE_SECONDS", 2)
    await world.start()
    async with AsyncExitStack() as held, own_connections(world.sessions) as watching:
        for _ in range(20):
            session = await held.enter_async_context(world.sessions())
            await session.connection()
        before = await gateway_row(watching)
        assert before.lease_until is not None

        async def outlived() -> bool:
            now = await gateway_row(watching)
            assert now.lease_epoch == before.lease_epoch
            assert now.lease_until is not None
            assert before.lease_until is not None
            return (now.lease_until - before.lease_until).total_seconds() > 2

        await world.until(outlived)


async def test_a_worker_that_lost_its_lease_no_longer_writes_the_state_of_the_connection(
    world: BrokerWorld,
):
    async with world.sessions.begin() as session:
        gateway = await session.get_one(m.Gateway, world.desk.gateway_id)
        gateway.lease_owner, gateway.lease_epoch = "another", gateway.lease_epoch + 1
        gateway.connection_detail = "the other one's word"
    await world.session._save_state("DISCONNECTED", "stale")  # pyright: ignore[reportPrivateUsage]
    assert (await gateway_row(world.sessions)).connection_detail == "the other one's word"


# --- several gateways ----------------------------------------------------------------------


async def test_two_gateways_on_one_database_work_side_by_side_and_never_send_for_each_other(
    world: BrokerWorld, tmp_path: Path
):
    options = GatewayOptions(data_dir=tmp_path / "other", port=0, speed=0, start=MONDAY_10)
    async with SimulatedGateway(options) as other:
        async with world.sessions.begin() as session:
            session.add(
                m.Gateway(
                    slug="other",
                    name="Other",
                    kind=m.GatewayKind.SIMULATED,
                    host="127.0.0.1",
                    port=other.port,
                    client_number=CLIENT_NUMBER,
                )
            )

        async def ignore(_: str) -> None: ...

        address = GatewayAddress("127.0.0.1", other.port, CLIENT_NUMBER)
        second = GatewaySession("other", address, world.sessions, ignore)
        running = asyncio.create_task(second.run())
        try:
            async with asyncio.timeout(20):
                await second.client.ready.wait()
            key = await world.ready()
            with pytest.raises(GreenlightError) as raised:
                await second.ledger.claim(key, 1, CLIENT_NUMBER)
            assert raised.value.code is ErrorCode.LEASE_LOST
            assert (await world.place(key)).state is OrderState.WORKING
            await second.ledger.record_books("other", await second.broker.read_books())
            assert await world.desk.state(key) is OrderState.WORKING, "not missed by the other"
            assert await second.ledger.in_doubt("other") == []
            assert other.ledger.orders(key) == []
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


# --- connecting ----------------------------------------------------------------------------


async def test_a_client_id_in_use_is_named_where_people_look(world: BrokerWorld):
    await world.stop()
    world.gateway.faults.refuse_client_id(times=100)
    starting = asyncio.create_task(world.start())
    await until_shown(world, "is in use", m.ConnectionState.DISCONNECTED)
    world.gateway.faults.refuse_client_id(times=0)
    async with asyncio.timeout(20):
        await starting
    await until_shown(world, "", m.ConnectionState.CONNECTED)


async def test_a_duplicate_order_id_means_that_the_order_never_existed(world: BrokerWorld):
    key = await world.ready()
    world.gateway.faults.reject_orders(103, "Duplicate order id", shape="error")
    await world.place(key)
    view = await world.resolve(key)
    assert (view.state, view.reason_code) == (OrderState.REJECTED, ErrorCode.BROKER_REJECTED)
    assert world.at_broker(key) == []


# --- connectivity of the gateway to IBKR ---------------------------------------------------


async def test_books_read_while_connectivity_went_away_prove_nothing(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    ib, wrapper = world.session.client.ib, world.session.client.wrapper
    ask = ib.reqCompletedOrdersAsync

    async def interrupted(api_only: bool) -> object:
        wrapper.error(-1, LOST, "lost")
        wrapper.error(-1, RESTORED, "restored")
        return await ask(api_only)

    monkeypatch.setattr(ib, "reqCompletedOrdersAsync", interrupted)
    with pytest.raises(BrokerUnavailable):
        await world.session.broker.read_books()


async def test_subscriptions_that_were_lost_are_made_anew_by_a_fresh_connection(
    world: BrokerWorld,
):
    world.gateway.faults.lose_connectivity()
    await until_shown(world, "1100", m.ConnectionState.SYNCING)
    world.gateway.faults.restore_connectivity(data_kept=False)
    await until_shown(world, "1101", m.ConnectionState.DISCONNECTED)
    await world.synced()
    quote = await world.session.broker.quote(await world.put())
    assert quote.quality is QuoteQuality.LIVE


async def test_a_broken_data_farm_is_shown_until_it_is_back(world: BrokerWorld):
    world.gateway.faults.farm_notice(2103, "usopt")
    await until_shown(world, "broken: usopt", m.ConnectionState.CONNECTED)
    world.gateway.faults.farm_notice(2104, "usopt")

    async def silent() -> bool:
        return (await gateway_row(world.sessions)).connection_detail == ""

    await world.until(silent)
