"""Assignments that only positions tell of: recognised, booked to the wheel's cycle, traded on.

One process and a market that moves when told: what `test_wheel_cycle` shows of a whole desk, fast.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ib_async import Option
from sqlalchemy import update
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, SyncRequest
from activities.strategies import GenerateRequest, StrategyActivities
from domain.instruments import OptionContract, Right
from domain.position_events import PositionEventKind
from domain.recommendations import Terms
from domain.risk.limits import TradingState
from domain.severity import Severity
from domain.strategies.wheel_cycle import WheelCycle
from infra.db import models as m
from infra.db.facts import PostgresFacts
from infra.db.session import create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from infra.db.wheel_cycles import open_cycles
from infra.ibkr.mapping import option_contract
from infra.simulator.market_events import Dividend
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.test_lifecycle import look, move_to, standing
from tests.integration.test_reconciliation import Reconciled
from tests.integration.trading_world import MONDAY_10, SLUG

pytestmark = pytest.mark.integration
EXPIRY = date(2026, 12, 18)
TUESDAY = date(2026, 11, 24)


@pytest.fixture
async def books(database_url: str, tmp_path: Path) -> AsyncIterator[Reconciled]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield Reconciled(built)
    finally:
        await engine.dispose()


async def option(world: BrokerWorld, symbol: str, strike: int, right: Right) -> OptionContract:
    wanted = Option(symbol, f"{EXPIRY:%Y%m%d}", strike, right.value, "SMART")
    details = await world.session.client.ib.reqContractDetailsAsync(wanted)
    assert details[0].contract is not None
    return option_contract(details[0].contract)


async def enable(world: BrokerWorld, symbol: str) -> None:
    config = {
        "universe": [symbol],
        "min_dte": 10,
        "min_delta": 0.02,
        "max_delta": 0.60,
        "min_call_ror_annualised": 0.001,
    }
    async with world.sessions.begin() as session:
        await session.execute(update(m.StrategyInstance).values(enabled=True, config=config))


async def ingest(world: BrokerWorld) -> None:
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    activities = IngestionActivities(world.session.broker, world.session.ingestion, facts)
    run, request = ActivityEnvironment().run, SyncRequest(gateway=SLUG)
    await run(activities.sync_ibkr_positions, request)
    await run(activities.sync_ibkr_account_snapshot, request)


async def cycle_of(world: BrokerWorld, symbol: str) -> WheelCycle | None:
    async with world.sessions() as session:
        return (await open_cycles(session, world.desk.account_id, [symbol])).get(symbol)


async def offers_of_a_run(world: BrokerWorld) -> list[Terms]:
    """What the strategy offers on a chain read from the gateway now."""
    store = PostgresStrategies(world.sessions)
    plan = await store.begin_run(world.desk.owners["strategy_instance_id"], "a run")
    (symbol,) = plan.universe
    reading = await world.session.broker.chain(symbol, plan.windows.get(symbol, plan.window))
    chain_id = await world.session.ingestion.save_chain(SLUG, reading)
    request = GenerateRequest(plan=plan, chain_ids=(chain_id,))
    run = ActivityEnvironment().run
    outcome = await run(StrategyActivities(store).generate_recommendations, request)
    assert outcome.errors == ()
    rows = await world.desk.all(m.Recommendation)
    return [Terms.model_validate(row.terms) for row in rows if row.id in outcome.proposed]


async def assert_booked_as_assignment(books: Reconciled, con_id: int) -> None:
    assert (await books.account()).trading_state is TradingState.ACTIVE
    assert "POSITION_MISMATCH" not in await books.open_types()
    events = [each for each in await books.events() if con_id in (each.con_id, each.cause_con_id)]
    assert [each.kind for each in events] == [PositionEventKind.ASSIGNMENT] * 2


async def test_an_assigned_put_is_booked_at_its_cost_and_a_call_not_below_it_is_offered_next(
    books: Reconciled,
):
    world = books.world
    spot = world.gateway.market.spot("IWM", world.gateway.clock.now())
    put = await option(world, "IWM", round(spot * 1.1), Right.PUT)
    # So dear a put that the shares it brings cost a little more than they trade at.
    premium = (put.strike - Decimal(str(spot * 1.01))).quantize(Decimal("0.01"))
    await enable(world, "IWM")
    await books.look()
    books.tws.trade(put.con_id, "SELL", 1, str(premium))
    await books.look()
    books.assign(put.con_id)
    await books.look(2)
    await assert_booked_as_assignment(books, put.con_id)

    cycle = await cycle_of(world, "IWM")
    assert cycle is not None
    assert cycle.adjusted_basis is not None
    commission = cycle.adjusted_basis - (put.strike - premium)
    assert Decimal(0) < commission < Decimal("0.05"), "strike less premium, net of commission"

    await ingest(world)
    (call,) = await offers_of_a_run(world)
    assert call.contract.right is Right.CALL
    assert call.quantity == 1
    assert call.contract.strike >= cycle.adjusted_basis > Decimal(str(spot))


async def test_a_call_about_to_lose_its_shares_to_a_dividend_is_told_in_time_and_then_booked(
    books: Reconciled,
):
    world = books.world
    paid = Dividend(symbol="AAPL", ex_date=TUESDAY, pay_date=date(2026, 12, 10), amount=Decimal(3))
    world.gateway.schedule(paid)
    await enable(world, "AAPL")
    call = await option(world, "AAPL", 220, Right.CALL)
    await books.look()
    books.tws.trade(call.con_id, "SELL", 1, "60.00")
    await books.look()
    await ingest(world)
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    await facts.read(["AAPL"], patiently=True)

    report = await look(world)
    assert (await standing(world))["EX_DIVIDEND"] is Severity.CRITICAL
    assert report.runs.instance_ids == (world.desk.owners["strategy_instance_id"],)
    before = await cycle_of(world, "AAPL")
    assert before is not None

    await move_to(world, MONDAY_10 + timedelta(days=1))
    await world.synced()
    await books.look(2)
    await assert_booked_as_assignment(books, call.con_id)
    await ingest(world)
    report = await look(world)
    alerts = await standing(world)
    assert alerts["ASSIGNMENT_FOUND"] is Severity.WARNING
    assert "EX_DIVIDEND" not in alerts
    assert report.runs.instance_ids == (world.desk.owners["strategy_instance_id"],)
    after = await cycle_of(world, "AAPL")
    assert after is not None
    assert after.shares == before.shares - 100, "the wheel goes on with what is left"
