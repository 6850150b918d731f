"""From the gateway through ingestion to an AccountState: nothing that is known gets lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, MarketRequest, SyncRequest
from domain.ports import MarketPlan, PlannedChain
from domain.strategies.base import ChainWindow
from infra.db import models as m
from infra.db.accounts import build_account_state
from infra.db.facts import PostgresFacts
from infra.db.session import create_engine, sessions
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, SLUG

pytestmark = pytest.mark.integration
FRIDAY = date(2026, 11, 20)
WINDOW = ChainWindow(min_dte=20, max_dte=40, min_abs_delta=0.2, max_abs_delta=0.3)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


def ingestion(world: BrokerWorld) -> IngestionActivities:
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    return IngestionActivities(world.session.broker, world.session.ingestion, facts)


async def test_an_account_state_has_sector_beta_dividends_and_the_days_profit(world: BrokerWorld):
    run, activities = ActivityEnvironment().run, ingestion(world)
    request = SyncRequest(gateway=SLUG)
    await run(activities.sync_ibkr_account_snapshot, request)
    await run(activities.sync_ibkr_positions, request)
    held = [row.symbol for row in await world.desk.all(m.Instrument)]
    assert "AAPL" in held
    reader = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    assert await reader.read(["AAPL", "SPY"], patiently=True) == ()
    account = await build_account_state(world.sessions, world.desk.account_id)
    apple = account.underlyings["AAPL"]
    assert apple.sector == "Technology"
    assert apple.beta is not None
    assert apple.dividends_known_to is not None
    assert apple.dividends
    today = world.gateway.clock.now().date()
    assert all(each.ex_date > today for each in apple.dividends)
    daily = {position.key: position.daily_pnl for position in account.positions}
    assert daily
    assert None not in daily.values()
    shares = next(p for p in account.positions if p.symbol == "AAPL" and p.option is None)
    market = world.gateway.market
    close = market.spot("AAPL", market.calendar.session_on(FRIDAY).close_at)
    assert shares.market_price is not None
    gained = float(shares.quantity) * (float(shares.market_price) - close)
    assert float(daily[shares.key] or 0) == pytest.approx(gained, abs=3)


async def test_reading_positions_again_in_a_market_that_stands_still_changes_nothing(
    world: BrokerWorld,
):
    run, activities = ActivityEnvironment().run, ingestion(world)
    first = await run(activities.sync_ibkr_positions, SyncRequest(gateway=SLUG))
    again = await run(activities.sync_ibkr_positions, SyncRequest(gateway=SLUG))
    assert first.accounts[ACCOUNT].inserted > 0
    assert (again.accounts[ACCOUNT].inserted, again.accounts[ACCOUNT].updated) == (0, 0)


async def test_quotes_are_kept_with_their_grade_and_an_index_with_its_forward(world: BrokerWorld):
    plan = MarketPlan(chains=(PlannedChain(symbol="XSP", window=WINDOW),))
    request = MarketRequest(gateway=SLUG, plan=plan)
    await ActivityEnvironment().run(ingestion(world).sync_ibkr_market, request)
    quotes = [quote for quote in await world.desk.all(m.Quote) if quote.grade is not None]
    assert quotes
    assert {quote.grade for quote in quotes} <= {"OK", "NO_BID", "NO_ASK"}
    spot = next(quote.underlying_price for quote in quotes)
    assert spot is not None
    forwards = [quote.forward for quote in quotes if quote.forward is not None]
    assert all(abs(forward / float(spot) - 1) < 0.02 for forward in forwards)
    assert Decimal(0) < spot
