"""What is known of underlyings: read through the gateway once a session, kept, and shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from activities.facts import FactsReader
from domain.market_facts import DailyHistory, HistoryKind
from domain.ports import FactsReading
from domain.underlyings import UnderlyingFacts
from infra.db import models as m
from infra.db.facts import PostgresFacts
from infra.db.known_facts import known_facts, vix_level
from infra.db.session import create_engine, sessions
from infra.simulator.reference import UNDERLYINGS
from tests.integration.broker_world import BrokerWorld, broker_world

pytestmark = pytest.mark.integration
FRIDAY = date(2026, 11, 20)
TUESDAY_10 = timedelta(days=1)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


def reader(world: BrokerWorld) -> FactsReader:
    return FactsReader(world.session.broker, PostgresFacts(world.sessions))


async def facts(world: BrokerWorld, *symbols: str) -> dict[str, UnderlyingFacts]:
    async with world.sessions() as session:
        return await known_facts(session, symbols, world.gateway.clock.now())


async def first_price(world: BrokerWorld, symbol: str, day: date) -> float:
    statement = (
        select(m.HistoryDay.open)
        .join(m.Instrument, m.Instrument.id == m.HistoryDay.instrument_id)
        .where(m.Instrument.symbol == symbol, m.HistoryDay.day == day)
    )
    async with world.sessions() as session:
        found = await session.scalar(statement)
    assert found is not None
    return float(found)


async def test_a_year_of_closes_and_volatility_ends_with_the_last_completed_session(
    world: BrokerWorld,
):
    assert await reader(world).read(["AAPL", "SPY"], patiently=True) == ()
    found = await facts(world, "AAPL", "SPY", "NVDA")
    assert set(found) == {"AAPL", "SPY"}
    market = world.gateway.market
    aapl = found["AAPL"]
    assert len(aapl.close) >= 250
    assert date(1970, 1, 1) + timedelta(days=int(aapl.sessions[-1])) == FRIDAY
    at_close = market.calendar.session_on(FRIDAY).close_at
    assert aapl.close[-1] == pytest.approx(market.spot("AAPL", at_close), abs=0.005)
    assert aapl.iv[-1] == pytest.approx(
        market.atm_vol(UNDERLYINGS["AAPL"], at_close, 30 / 365), rel=0.01
    )
    assert aapl.iv_rank(float(np.nanmax(aapl.iv))) == 1
    assert (aapl.sector, found["SPY"].sector) == ("Technology", "Funds")
    assert found["SPY"].beta == pytest.approx(1, abs=0.05)
    assert aapl.beta is not None
    assert aapl.beta > 0.4
    opened_at = market.calendar.session_on(FRIDAY).open_at
    assert await first_price(world, "AAPL", FRIDAY) == pytest.approx(
        market.spot("AAPL", opened_at), rel=1e-3
    )


async def test_dividends_are_those_announced_with_what_the_brokers_projection_adds(
    world: BrokerWorld,
):
    await reader(world).read(["SPY"], patiently=True)
    spy = (await facts(world, "SPY"))["SPY"]
    today = world.gateway.clock.now().date()
    expected = world.gateway.market.dividends("SPY", today, today + timedelta(days=100))
    assert (spy.dividends[0].ex_date, spy.dividends[0].amount) == (
        expected[0].ex_date,
        expected[0].amount,
    )
    assert [each.is_estimate for each in spy.dividends] == [False, True, True, True]
    assert spy.dividends_known_to is not None
    assert spy.dividends_known_to > spy.dividends[0].ex_date


async def test_a_session_is_read_once_and_the_next_adds_its_day(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    asked: list[tuple[str, HistoryKind, int]] = []
    daily = world.session.broker.daily_history

    async def counted(underlying, kind, sessions):
        asked.append((underlying.symbol, kind, sessions))
        return await daily(underlying, kind, sessions)

    monkeypatch.setattr(world.session.broker, "daily_history", counted)
    reading = reader(world)
    await reading.read(["AAPL"], patiently=True)
    assert sorted(symbol for symbol, _, _ in asked) == ["AAPL", "AAPL", "SPX", "VIX"]
    asked.clear()
    await reading.read(["AAPL"], patiently=True)
    assert asked == []
    before = (await facts(world, "AAPL"))["AAPL"]
    world.gateway.clock.advance(timedelta(days=1))
    await reading.read(["AAPL"], patiently=True)
    assert {sessions for _, _, sessions in asked} == {6}
    after = (await facts(world, "AAPL"))["AAPL"]
    assert len(after.close) == len(before.close) + 1
    assert after.close[-2] == before.close[-1]


async def test_a_symbol_without_data_stops_no_other(world: BrokerWorld):
    errors = await reader(world).read(["NOSUCH", "AAPL"], patiently=True)
    assert [error.partition(":")[0] for error in errors] == ["NOSUCH"]
    assert set(await facts(world, "NOSUCH", "AAPL")) == {"AAPL"}


async def test_a_refusal_leaves_what_is_known_and_is_not_repeated_within_the_hour(
    world: BrokerWorld,
):
    reading = reader(world)
    await reading.read(["AAPL"], patiently=True)
    store = PostgresFacts(world.sessions)
    now = await world.session.broker.market_time() + timedelta(days=1)
    underlying = await world.session.broker.underlying("AAPL")
    await store.save_facts(FactsReading(underlying=underlying, is_complete=False), now)
    assert len((await facts(world, "AAPL"))["AAPL"].close) >= 250
    soon, later = now + timedelta(minutes=59), now + timedelta(minutes=61)
    assert await store.facts_due(["AAPL"], (), soon) == []
    (due,) = await store.facts_due(["AAPL"], (), later)
    assert (due.price_sessions, due.volatility_sessions) == (6, 6)


async def test_a_split_has_the_whole_history_read_again(world: BrokerWorld):
    market, store = world.gateway.market, PostgresFacts(world.sessions)
    days = [s.date for s in market.calendar.sessions_between(date(2026, 11, 2), FRIDAY)][:-1]
    # Closes on record of whole shares, of which the broker now tells quarters.
    closes = [4 * market.spot("AAPL", market.calendar.session_on(d).close_at) for d in days]
    told = DailyHistory(days=tuple(days), values=tuple(closes))
    underlying = await world.session.broker.underlying("AAPL")
    now = await world.session.broker.market_time()
    assert await store.save_facts(FactsReading(underlying=underlying, prices=told), now)
    await reader(world).read(["AAPL"], patiently=True)
    after = (await facts(world, "AAPL"))["AAPL"]
    assert len(after.close) >= 250
    assert after.close[-2] == pytest.approx(closes[-1] / 4, abs=0.005)
    assert np.isfinite(after.iv).all()


async def test_a_run_waits_for_no_pacing(world: BrokerWorld, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(world.session.broker, "may_ask_history", lambda requests: requests <= 2)
    await reader(world).read(["AAPL", "SPY"], patiently=False)
    assert await facts(world, "AAPL", "SPY") == {}
    monkeypatch.undo()
    await reader(world).read(["AAPL", "SPY"], patiently=True)
    assert set(await facts(world, "AAPL", "SPY")) == {"AAPL", "SPY"}


async def test_the_vix_is_known_for_a_quarter_of_an_hour(world: BrokerWorld):
    await reader(world).read([], patiently=False)
    now = world.gateway.clock.now()
    async with world.sessions() as session:
        fresh = await vix_level(session, now + timedelta(minutes=10))
        stale = await vix_level(session, now + timedelta(minutes=20))
    assert fresh == pytest.approx(world.gateway.market.spot("VIX", now), abs=0.005)
    assert stale is None


async def test_earnings_are_known_as_far_as_the_calendar_goes_and_never_come_from_funds(
    world: BrokerWorld,
):
    await reader(world).read(["AAPL", "MSFT", "NVDA", "SPY", "SPX"], patiently=True)
    async with world.sessions.begin() as session:
        for symbol, day, known_to in (
            ("AAPL", date(2026, 10, 29), date(2027, 1, 20)),
            ("MSFT", date(2026, 10, 20), date(2026, 11, 20)),
            ("NVDA", date(2026, 11, 24), date(2026, 11, 24)),
            ("NVDA", date(2027, 2, 24), date(2027, 2, 24)),
        ):
            session.add(m.EarningsDate(symbol=symbol, day=day, known_to=known_to))
    known = {
        symbol: (each.next_earnings, each.earnings_known_to)
        for symbol, each in (await facts(world, "AAPL", "MSFT", "NVDA", "SPY", "SPX")).items()
    }
    assert known["AAPL"] == (None, date(2027, 1, 20))
    assert known["MSFT"] == (None, None), "the calendar has run out"
    assert known["NVDA"] == (date(2026, 11, 24), date(2027, 2, 24))
    for fund in ("SPY", "SPX"):
        nothing, until = known[fund]
        assert nothing is None
        assert until is not None
        assert until > date(2027, 6, 1)


async def test_closes_told_again_with_a_correction_are_written_over(world: BrokerWorld):
    reading = reader(world)
    await reading.read(["AAPL"], patiently=True)
    underlying = await world.session.broker.underlying("AAPL")
    told = DailyHistory(days=(FRIDAY,), values=(float(Decimal("268.01")),))
    now = await world.session.broker.market_time()
    corrected = FactsReading(underlying=underlying, prices=told)
    assert await PostgresFacts(world.sessions).save_facts(corrected, now)
    assert (await facts(world, "AAPL"))["AAPL"].close[-1] == pytest.approx(268.01)
