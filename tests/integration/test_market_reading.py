"""The market brought up to date: what is read, how it is written, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from psycopg.errors import ForeignKeyViolation
from sqlalchemy import func, select, update
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, MarketReport, MarketRequest
from domain.corporate_actions import AnnouncedDividend
from domain.expiration import settlement_moment
from domain.instruments import ExerciseStyle, SecType, Settlement
from domain.market import QuoteQuality
from domain.ports import MarketPlan, PlannedChain
from domain.risk.limits import Limits
from domain.strategies.base import ChainWindow
from infra.db import models as m
from infra.db.bulk import upsert
from infra.db.facts import PostgresFacts
from infra.db.ingestion import PostgresIngestion
from infra.db.market_hours import is_due
from infra.db.session import create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import MONDAY_10, SLUG, TradingWorld

pytestmark = pytest.mark.integration
NARROW = ChainWindow(min_dte=20, max_dte=26, min_abs_delta=0.2, max_abs_delta=0.21)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    yield await TradingWorld(sessions(engine)).build()
    await engine.dispose()


async def read_market(world: BrokerWorld, plan: MarketPlan) -> MarketReport:
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    activities = IngestionActivities(world.session.broker, world.session.ingestion, facts)
    request = MarketRequest(gateway=SLUG, plan=plan)
    return await ActivityEnvironment().run(activities.sync_ibkr_market, request)


async def test_contracts_and_quotes_of_a_symbol_are_stored_and_one_without_data_stops_no_other(
    world: BrokerWorld,
):
    plan = MarketPlan(
        chains=(
            PlannedChain(symbol="NOSUCH", window=NARROW),
            PlannedChain(symbol="AAPL", window=NARROW),
        )
    )
    report = await read_market(world, plan)
    assert report.contracts > 0
    assert [error.partition(":")[0] for error in report.errors] == ["NOSUCH"]
    quotes = {row.instrument_id: row for row in await world.desk.all(m.Quote)}
    options = [
        row for row in await world.desk.all(m.Instrument)
        if row.sec_type is SecType.OPTION and row.symbol == "AAPL"
    ]  # fmt: skip
    assert len(options) == report.contracts
    for each in options:
        assert quotes[each.id].quality is QuoteQuality.LIVE
        assert quotes[each.id].bid < quotes[each.id].ask
        assert quotes[each.id].underlying_price > 0


async def test_a_second_reading_writes_over_the_first(world: BrokerWorld):
    plan = MarketPlan(chains=(PlannedChain(symbol="AAPL", window=NARROW),))
    await read_market(world, plan)
    first = await world.desk.all(m.Quote)
    world.gateway.clock.advance(timedelta(minutes=2))
    await read_market(world, plan)
    second = await world.desk.all(m.Quote)
    assert len(second) >= len(first)
    at = {row.instrument_id: row.as_of for row in second}
    assert any(at[row.instrument_id] > row.as_of for row in first)


async def test_the_plan_has_the_universes_of_enabled_strategies_and_the_options_held(
    world: BrokerWorld,
):
    store = world.session.ingestion
    rows = await world.session.broker.positions("DU1000001")
    await store.save_positions(SLUG, "DU1000001", rows, MONDAY_10)
    config = {"universe": ["SPY", "AAPL"]}
    async with world.sessions.begin() as session:
        await session.execute(update(m.StrategyInstance).values(enabled=True, config=config))
        await session.execute(update(m.Gateway).values(session_open=True))
    plan = await store.market_plan(SLUG)
    assert [planned.symbol for planned in plan.chains] == ["AAPL", "SPY"]
    assert len(plan.options) == len([row for row in rows if row.contract.option])
    async with world.sessions.begin() as session:
        await session.execute(update(m.Gateway).values(session_open=False))
    closed = await store.market_plan(SLUG)
    assert closed == MarketPlan() or await is_open_again(world)


async def is_open_again(world: BrokerWorld) -> bool:
    """The session's own clock writes ``session_open`` every second: it may have come between."""
    async with world.sessions() as session:
        return bool(await session.scalar(select(m.Gateway.session_open)))


async def test_a_dividend_announced_twice_is_one_and_takes_the_later_amount(desk: TradingWorld):
    store = PostgresIngestion(desk.sessions)
    async with desk.sessions.begin() as session:
        session.add(_contract_of(desk.underlying_id))
    for amount in ("1.70", "1.75", "1.75"):
        announced = AnnouncedDividend(
            con_id=756733, ex_date=date(2026, 12, 18), amount=Decimal(amount)
        )
        await store.save_dividend(announced, MONDAY_10)
    (action,) = await desk.all(m.CorporateAction)
    assert action.amount == Decimal("1.75")


def _contract_of(instrument_id: Any) -> m.IbkrContract:
    return m.IbkrContract(
        instrument_id=instrument_id,
        con_id=756733,
        sec_type=SecType.STOCK,
        symbol="SPY",
        local_symbol="SPY",
        trading_class="SPY",
        exchange="SMART",
        primary_exchange="ARCA",
        currency="USD",
        multiplier=Decimal(1),
        min_tick=Decimal("0.01"),
        increments={"bands": []},
        valid_exchanges=[],
        market_rule_ids=[],
    )


async def test_an_option_held_is_read_wherever_it_lies_and_an_expired_one_is_not(
    world: BrokerWorld,
):
    broker = world.session.broker
    held = await world.put(560)
    expired = held.model_copy(update={"con_id": 1, "expiry": date(2026, 11, 20)})
    narrow = NARROW.model_copy(update={"min_dte": 10, "max_dte": 12})
    without = await broker.chain("SPY", narrow)
    reading = await broker.chain("SPY", narrow, [held, expired])
    assert {*reading.chain.con_id.tolist()} == {*without.chain.con_id.tolist(), held.con_id}
    row = reading.chain.con_id.tolist().index(held.con_id)
    assert 0 < reading.chain.bid[row] < reading.chain.ask[row]


async def test_a_run_has_the_options_held_on_its_universe_priced(world: BrokerWorld):
    store = world.session.ingestion
    rows = await world.session.broker.positions("DU1000001")
    await store.save_positions(SLUG, "DU1000001", rows, MONDAY_10)
    await store.save_account_snapshot(
        SLUG, "DU1000001", await world.session.broker.account_values("DU1000001")
    )
    options = [row.contract.option for row in rows if row.contract.option is not None]
    symbol = options[0].symbol
    async with world.sessions.begin() as session:
        config = {"universe": [symbol], "min_dte": 20, "max_dte": 26}
        await session.execute(update(m.StrategyInstance).values(enabled=True, config=config))
        instance = await session.scalar(select(m.StrategyInstance.id))
    assert instance is not None
    strategies = PostgresStrategies(world.sessions)
    plan = await strategies.begin_run(instance, "a run")
    assert {option.con_id for option in plan.held} == {
        option.con_id for option in options if option.symbol == symbol
    }
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    activities = IngestionActivities(world.session.broker, store, facts)
    captured = await ActivityEnvironment().run(activities.capture_market, plan)
    assert captured.errors == ()
    _, context, _ = await strategies.strategy_context(plan, captured.chain_ids)
    seen = context.market.chains[symbol].con_id.tolist()
    assert {option.con_id for option in plan.held} <= {*seen}
    assert context.limits == Limits()
    assert len(context.market.facts[symbol].close) >= 250
    assert context.market.vix == pytest.approx(
        world.gateway.market.spot("VIX", world.gateway.clock.now()), abs=0.005
    )


@pytest.mark.parametrize(
    ("symbol", "classes"),
    [("SPX", {"SPX", "SPXW"}), ("RUT", {"RUT", "RUTW"}), ("XSP", {"XSP"})],
)
async def test_index_options_of_every_class_are_in_one_chain(
    world: BrokerWorld, symbol: str, classes: set[str]
):
    window = ChainWindow(min_dte=24, max_dte=25, min_abs_delta=0.2, max_abs_delta=0.21)
    reading = await world.session.broker.chain(symbol, window)
    assert {*reading.chain.trading_class} == classes
    assert reading.chain.settlement is Settlement.CASH
    assert reading.chain.style is ExerciseStyle.EUROPEAN
    for row in range(len(reading.chain)):
        contract = reading.chain.contract(row)
        settles = settlement_moment(contract, world.gateway.market.calendar)
        assert settles.date() == date(2026, 12, 18)


# --- writing many rows -----------------------------------------------------------------------


def quote(instrument_id: Any, bid: str, at: datetime = MONDAY_10) -> dict[str, Any]:
    return {
        "instrument_id": instrument_id,
        "as_of": at,
        "quality": QuoteQuality.LIVE,
        "bid": Decimal(bid),
        "ask": None,
        "iv": 0.25,
    }


async def test_an_upsert_inserts_updates_and_leaves_alone_what_is_no_news(desk: TradingWorld):
    one = desk.underlying_id
    for rows, expected in (
        ([quote(one, "1.00")], (1, 0, 0)),
        ([quote(one, "1.00")], (0, 0, 1)),
        ([quote(one, "1.05")], (0, 1, 0)),
        ([], (0, 0, 0)),
    ):
        async with desk.sessions.begin() as session:
            done = await upsert(
                session, m.Quote, rows, key=("instrument_id",), update=("bid", "as_of")
            )
        assert done == expected
    (stored,) = await desk.all(m.Quote)
    assert (stored.bid, stored.ask, stored.iv) == (Decimal("1.05"), None, 0.25)


async def test_freshness_alone_is_no_news_unless_it_is_named(desk: TradingWorld):
    later = MONDAY_10 + timedelta(minutes=1)
    for at in (MONDAY_10, later):
        async with desk.sessions.begin() as session:
            await upsert(
                session,
                m.Quote,
                [quote(desk.underlying_id, "1.00", at)],
                key=("instrument_id",),
                update=("bid", "as_of"),
                news=("bid",),
            )
    (stored,) = await desk.all(m.Quote)
    assert stored.as_of == MONDAY_10


async def test_a_row_that_cannot_be_written_leaves_nothing_half_written(desk: TradingWorld):
    rows = [quote(desk.underlying_id, "1.00"), quote(uuid4(), "2.00")]

    async def write() -> None:
        async with desk.sessions.begin() as session:
            await upsert(session, m.Quote, rows, key=("instrument_id",), update=("bid",))

    with pytest.raises(ForeignKeyViolation):
        await write()
    async with desk.sessions() as session:
        assert await session.scalar(select(func.count()).select_from(m.Quote)) == 0


# --- when --------------------------------------------------------------------------------------

OPEN = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
CLOSE = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "last", "due"),
    [
        (OPEN, OPEN - timedelta(minutes=1), True),
        (CLOSE + timedelta(minutes=1), CLOSE - timedelta(minutes=1), True),
        (CLOSE + timedelta(minutes=2), CLOSE + timedelta(minutes=1), False),
        (CLOSE + timedelta(minutes=20), CLOSE + timedelta(minutes=1), True),
        (CLOSE + timedelta(minutes=2), None, True),
    ],
    ids=["open", "just closed", "closed, just read", "closed, read long ago", "never read"],
)
def test_readings_slow_down_while_the_market_is_closed_but_for_one_at_the_close(
    now: datetime, last: datetime | None, due: bool
):
    assert is_due(now, last) is due
