"""What is coming for options held on a real gateway: raised in time, once, and cleared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ib_async import Option
from sqlalchemy import select, update
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, MarketRequest
from domain.instruments import OptionContract
from domain.ports.lifecycle import LifecycleReport
from domain.position_events import PositionEventKind
from domain.severity import Severity
from infra.db import models as m
from infra.db.facts import PostgresFacts
from infra.db.lifecycle import PostgresLifecycle
from infra.db.session import create_engine, sessions
from infra.ibkr.mapping import option_contract
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, SLUG

pytestmark = pytest.mark.integration
FRIDAY = date(2026, 11, 27)
"""The day after Thanksgiving: the market closes at 13:00."""


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def hold(world: BrokerWorld, symbol: str, expiry: date, strike: int, right: str) -> None:
    """One contract short, as if sold by hand, priced and on record."""
    details = await world.session.client.ib.reqContractDetailsAsync(
        Option(symbol, f"{expiry:%Y%m%d}", strike, right, "SMART")
    )
    assert details[0].contract is not None
    await record_position(world, option_contract(details[0].contract))


async def record_position(world: BrokerWorld, contract: OptionContract) -> None:
    store = world.session.ingestion
    await store.save_market(await world.session.broker.chain_of([contract]))
    values = await world.session.broker.account_values(ACCOUNT)
    await store.save_account_snapshot(SLUG, ACCOUNT, values)
    async with world.sessions.begin() as session:
        instrument = await session.scalar(
            select(m.Instrument.id).where(m.Instrument.key == contract.key)
        )
        assert instrument is not None
        session.add(
            m.Position(
                broker_account_id=world.desk.account_id,
                instrument_id=instrument,
                quantity=Decimal(-1),
                average_cost=Decimal(500),
                as_of=world.gateway.clock.now(),
            )
        )


async def look(world: BrokerWorld) -> LifecycleReport:
    """What the workflow does at each look."""
    store = PostgresLifecycle(world.sessions)
    values = await world.session.broker.account_values(ACCOUNT)
    await world.session.ingestion.save_account_snapshot(SLUG, ACCOUNT, values)
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    activities = IngestionActivities(world.session.broker, world.session.ingestion, facts)
    request = MarketRequest(gateway=SLUG, plan=await store.lifecycle_plan(SLUG))
    await ActivityEnvironment().run(activities.sync_ibkr_market, request)
    return await store.look_ahead(SLUG)


async def move_to(world: BrokerWorld, at: datetime) -> None:
    """Market time at the gateway, and the desk's record of it."""
    world.gateway.clock.advance(at - world.gateway.clock.now())

    async def known() -> bool:
        async with world.sessions() as session:
            read = await session.scalar(select(m.Gateway.market_at))
            return read is not None and read >= at

    await world.until(known)


async def standing(world: BrokerWorld) -> dict[str, Severity]:
    alerts = await world.desk.all(m.Alert)
    return {a.code: a.severity for a in alerts if a.state is not m.AlertState.CLEARED}


async def enable_spy(world: BrokerWorld) -> None:
    config = {"universe": ["SPY"], "min_dte": 20, "max_dte": 26}
    async with world.sessions.begin() as session:
        await session.execute(update(m.StrategyInstance).values(enabled=True, config=config))


async def test_a_put_expiring_in_the_money_is_raised_in_time_once_and_has_strategies_look(
    world: BrokerWorld,
):
    await enable_spy(world)
    await hold(world, "SPY", FRIDAY, 720, "P")
    await look(world)
    assert (await standing(world))["EXPIRY_WEEK"] is Severity.INFO
    close = world.gateway.market.calendar.session_on(FRIDAY).close_at
    await move_to(world, close - timedelta(hours=2))
    report = await look(world)
    assert (await standing(world))["EXPIRING_IN_THE_MONEY"] is Severity.CRITICAL
    assert len(report.runs.instance_ids) == 1
    assert "in the money" in " ".join(report.runs.reasons)
    again = await look(world)
    assert again.runs.instance_ids == ()
    alerts = await world.desk.all(m.Alert)
    assert len([a for a in alerts if a.code == "EXPIRING_IN_THE_MONEY"]) == 1
    assert again.open == report.open
    await move_to(world, close + timedelta(minutes=1))
    await look(world)
    assert "EXPIRING_IN_THE_MONEY" not in await standing(world)


async def test_an_assignment_found_is_raised_and_has_strategies_look(world: BrokerWorld):
    await enable_spy(world)
    await hold(world, "SPY", FRIDAY, 600, "P")
    async with world.sessions.begin() as session:
        instrument = await session.scalar(
            select(m.Instrument.id).where(m.Instrument.expiry == FRIDAY)
        )
        session.add(
            m.PositionEvent(
                broker_account_id=world.desk.account_id,
                instrument_id=instrument,
                con_id=1,
                kind=PositionEventKind.ASSIGNMENT,
                quantity=Decimal(1),
                market_at=world.gateway.clock.now(),
                detail="assigned",
            )
        )
    report = await look(world)
    assert (await standing(world))["ASSIGNMENT_FOUND"] is Severity.WARNING
    assert len(report.runs.instance_ids) == 1
