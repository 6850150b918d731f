"""Quotes that are late, stuck, crossed or missing, and what clients are told of it."""

from __future__ import annotations

from datetime import date, timedelta

import ib_async
import pytest

from infra.simulator.app import SimulatedGateway
from infra.simulator.market_events import Halt
from infra.simulator.quality import Quality
from tests.simulator.conftest import (
    TEN_O_CLOCK,
    Connect,
    Recorder,
    StartGateway,
    place,
    qualified,
    quoted,
    settle,
    spy_put,
)


async def _stock(ib: Recorder, symbol: str = "SPY") -> ib_async.Contract:
    return await qualified(ib, ib_async.Stock(symbol, "SMART", "USD"))


async def test_delayed_data_are_late_and_say_so(ib: Recorder, gateway: SimulatedGateway):
    gateway.quality.set("SPY", "delayed")
    gateway.clock.advance(timedelta(minutes=30))
    ib.reqMarketDataType(3)
    ticker = await quoted(ib, await _stock(ib))
    assert 10167 in ib.codes()
    assert ticker.marketDataType == 3
    spy, now = gateway.market.book.underlying("SPY"), gateway.clock.now()
    assert ticker.bid == gateway.market.quote(spy, now - timedelta(minutes=15)).bid
    assert ticker.bid != gateway.market.quote(spy, now).bid


@pytest.mark.parametrize(("quality", "asked"), [("delayed", 1), ("unsubscribed", 3)])
async def test_what_is_not_granted_is_refused(
    ib: Recorder, gateway: SimulatedGateway, quality: str, asked: int
):
    gateway.quality.set("SPY", quality)
    ib.reqMarketDataType(asked)
    ticker = await quoted(ib, await _stock(ib))
    assert ib.codes()[-1] == 354
    assert not ticker.bid > 0


async def test_stale_quotes_stop_while_the_market_goes_on(ib: Recorder, gateway: SimulatedGateway):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    seen = (ticker.bid, ticker.ask)
    gateway.quality.set("SPY", Quality.STALE)
    stale_time = ticker.time
    for _ in range(5):
        gateway.clock.advance(timedelta(minutes=10))
        await settle(ib)
        assert (ticker.bid, ticker.ask, ticker.marketDataType) == (*seen, 1)
    assert stale_time is not None
    security = gateway.market.book.by_id(put.conId)
    assert security is not None
    assert gateway.market.quote(security, gateway.clock.now()).bid != seen[0]
    gateway.quality.clear()
    gateway.clock.advance(timedelta(seconds=1))
    await settle(ib)
    assert ticker.bid != seen[0]


async def test_one_contract_may_be_crossed_or_one_sided(ib: Recorder, gateway: SimulatedGateway):
    put, other = await spy_put(ib), await spy_put(ib, 645)
    first, second = await quoted(ib, put), await quoted(ib, other)
    gateway.quality.set(put.conId, "crossed")
    gateway.clock.advance(timedelta(seconds=10))
    await settle(ib)
    assert first.bid > first.ask
    assert second.bid < second.ask
    gateway.quality.set(put.conId, "no_bid")
    gateway.clock.advance(timedelta(seconds=10))
    await settle(ib)
    assert (first.bid, first.bidSize) == (-1, 0)
    assert first.ask > 0
    gateway.quality.set("*", "none")
    gateway.clock.advance(timedelta(seconds=10))
    await settle(ib)
    assert (second.bid, second.ask) == (-1, -1)


async def test_a_line_that_becomes_frozen_or_live_again_is_announced(
    ib: Recorder, gateway: SimulatedGateway
):
    ticker = await quoted(ib, await _stock(ib))
    assert ticker.marketDataType == 1
    gateway.quality.set("SPY", "frozen", until=gateway.clock.now() + timedelta(minutes=5))
    gateway.clock.advance(timedelta(minutes=1))
    await settle(ib)
    assert ticker.marketDataType == 2
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert ticker.marketDataType == 1


async def test_random_faults_are_as_frequent_as_asked_and_repeat(start_gateway: StartGateway):
    gateway = await start_gateway(quality_rate=0.1)
    spy = gateway.market.book.underlying("SPY")
    times = [TEN_O_CLOCK + timedelta(minutes=m) for m in range(1000)]
    first = [gateway.quality.spell(spy, at).quality for at in times]
    assert 60 < sum(q is not Quality.LIVE for q in first) < 150
    assert first == [gateway.quality.spell(spy, at).quality for at in times]


async def test_nothing_fills_while_trading_is_halted(start_gateway: StartGateway, connect: Connect):
    gateway = await start_gateway(messages_per_second=0)
    start = TEN_O_CLOCK + timedelta(days=1)
    gateway.schedule(Halt(symbol="SPY", start=start, until=start + timedelta(hours=1)))
    ib = await connect(gateway)
    stock = await _stock(ib)
    ticker = await quoted(ib, stock)
    while gateway.clock.now() < start:
        gateway.clock.advance(timedelta(minutes=35))
    await settle(ib)
    assert gateway.clock.now().astimezone().date() >= date(2026, 11, 24)
    assert ticker.halted == 1
    assert ticker.bid == -1
    trade = await place(ib, stock, ib_async.LimitOrder("BUY", 1, 900, tif="GTC"))
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert trade.orderStatus.status == "Submitted"
    gateway.clock.advance(timedelta(hours=1))
    await settle(ib)
    assert ticker.halted == 0
    assert trade.orderStatus.status == "Filled"


async def test_dividends_are_told_as_fundamental_data(ib: Recorder, gateway: SimulatedGateway):
    ticker = ib.reqMktData(await _stock(ib), "456")
    await settle(ib)
    assert ticker.dividends is not None
    assert ticker.dividends.nextAmount == pytest.approx(1.95)
    assert ticker.dividends.nextDate == date(2026, 12, 18)
    assert ticker.dividends.past12Months == pytest.approx(7.8)
