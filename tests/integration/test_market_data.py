"""What a quote is worth, by the broker's own callbacks, on the real in-process gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from ib_async import Contract, Ticker

from domain.errors import ErrorCode, GreenlightError
from domain.market import QuoteQuality
from infra.db.session import create_engine, sessions
from infra.ibkr import lines
from infra.simulator.quality import Quality
from tests.integration.broker_world import BrokerWorld, broker_world

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def test_a_subscription_that_is_refused_is_named_and_not_waited_for(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    contract = await world.put()
    world.gateway.quality.set("SPY", Quality.UNSUBSCRIBED)
    monkeypatch.setattr(lines, "QUOTE_SECONDS", 60.0)
    async with asyncio.timeout(30):
        with pytest.raises(GreenlightError) as raised:
            await world.session.broker.quote(contract)
    assert raised.value.code is ErrorCode.MARKET_DATA_NOT_SUBSCRIBED
    assert raised.value.context["broker_code"] == 354


@pytest.mark.parametrize(
    ("fault", "seen"),
    [(Quality.FROZEN, QuoteQuality.FROZEN), (Quality.NO_BID, QuoteQuality.MISSING)],
)
async def test_a_quote_that_may_not_be_traded_on_says_so(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch, fault: Quality, seen: QuoteQuality
):
    contract = await world.put()
    world.gateway.quality.set("SPY", fault)
    monkeypatch.setattr(lines, "QUOTE_SECONDS", 0.5)
    assert (await world.session.broker.quote(contract)).quality is seen


async def test_data_of_which_the_broker_told_no_type_are_not_called_live(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    contract = await world.put()
    wrapper = world.session.client.wrapper
    monkeypatch.setattr(wrapper, "marketDataType", lambda *_: None)
    monkeypatch.setattr(lines, "QUOTE_SECONDS", 0.5)
    quote = await world.session.broker.quote(contract)
    assert (quote.is_two_sided, quote.quality) == (True, QuoteQuality.MISSING)


async def test_all_readers_together_never_take_more_lines_than_there_are(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    contracts = [await world.put(strike) for strike in (630, 635, 640, 645)]
    limited = lines.MarketDataLines(world.session.client)
    limited._free = asyncio.Semaphore(2)  # pyright: ignore[reportPrivateUsage]
    broker = world.session.broker
    monkeypatch.setattr(broker._market_data, "_lines", limited)  # pyright: ignore[reportPrivateUsage]
    ib, taken = world.session.client.ib, [0]
    subscribe, cancel = ib.reqMktData, ib.cancelMktData

    def counted(*args: Any, **options: Any) -> Ticker:
        taken.append(taken[-1] + 1)
        return subscribe(*args, **options)

    def given_back(contract: Contract) -> bool:
        taken.append(taken[-1] - 1)
        return cancel(contract)

    monkeypatch.setattr(ib, "reqMktData", counted)
    monkeypatch.setattr(ib, "cancelMktData", given_back)
    quotes = await asyncio.gather(*(broker.quote(contract) for contract in contracts))
    assert [quote.quality for quote in quotes] == [QuoteQuality.LIVE] * 4
    assert max(taken) == 2
