"""ib_async and ib_insync, unmodified, walk through a day's work with a gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any

import ib_async
import ib_insync
import pytest

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import until

EXPIRY = "20261218"
Connect = Callable[..., Awaitable[Any]]


@pytest.fixture(params=["ib_async 178", "ib_async 157", "ib_insync 176"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A client library, speaking the newest server version it knows or one made older."""
    name, version = request.param.split()
    module = {"ib_async": ib_async, "ib_insync": ib_insync}[name]
    monkeypatch.setattr(module.client.Client, "MaxClientVersion", int(version))
    return module


@pytest.fixture(autouse=True)
def everything_decoded(library: ModuleType) -> Iterator[None]:
    """Both libraries only log what they cannot decode; here that fails the test."""
    failures: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            failures.append(record.getMessage())

    handler, name = Handler(logging.ERROR), f"{library.__name__}.Decoder"
    logging.getLogger(name).addHandler(handler)
    yield
    logging.getLogger(name).removeHandler(handler)
    assert failures == []


@pytest.fixture
async def connect(library: ModuleType, gateway: SimulatedGateway) -> AsyncIterator[Connect]:
    clients = []

    async def open_client(client_id: int = 1) -> Any:
        client = library.IB()
        client.client.MaxRequests = 0
        clients.append(client)
        await client.connectAsync("127.0.0.1", gateway.port, clientId=client_id, timeout=5)
        client.codes = []
        client.errorEvent += lambda _id, code, *_: client.codes.append(code)
        return client

    yield open_client
    for client in clients:
        client.disconnect()


@pytest.fixture
async def ib(connect: Connect) -> Any:
    return await connect()


async def put(library: ModuleType, ib: Any, strike: float = 640) -> Any:
    contract = library.Option("SPY", EXPIRY, strike, "P", "SMART")
    (found,) = await ib.qualifyContractsAsync(contract)
    return found


async def stock(library: ModuleType, ib: Any, symbol: str = "SPY") -> Any:
    (found,) = await ib.qualifyContractsAsync(library.Stock(symbol, "SMART", "USD"))
    return found


async def settle(ib: Any) -> None:
    await ib.reqCurrentTimeAsync()


async def test_it_connects_and_synchronises(ib: Any, library: ModuleType):
    assert ib.client.serverVersion() == library.client.Client.MaxClientVersion
    assert ib.managedAccounts() == ["DU1000001"]
    assert len(ib.positions()) == len(ib.portfolio()) == 4
    assert float({v.tag: v.value for v in ib.accountValues()}["NetLiquidation"]) > 900_000
    assert {row.tag for row in await ib.accountSummaryAsync()} > {"NetLiquidation", "Cushion"}


async def test_it_reads_a_chain_with_greeks(ib: Any, library: ModuleType):
    spy = await stock(library, ib)
    chains = await ib.reqSecDefOptParamsAsync("SPY", "", "STK", spy.conId)
    (chain,) = [c for c in chains if c.exchange == "SMART"]
    assert EXPIRY in chain.expirations
    strikes = [s for s in chain.strikes if 600 <= s <= 640][:8]
    contracts = [library.Option("SPY", EXPIRY, strike, "P", "SMART") for strike in strikes]
    await ib.qualifyContractsAsync(*contracts)
    tickers = await ib.reqTickersAsync(*contracts)
    deltas = [t.modelGreeks.delta for t in tickers]
    assert deltas == sorted(deltas, reverse=True)
    assert all(t.bidGreeks.optPrice == t.bid for t in tickers)
    assert all(0 < t.bid < t.ask for t in tickers)


async def test_it_previews_places_modifies_and_cancels(ib: Any, library: ModuleType):
    contract = await put(library, ib)
    state = await ib.whatIfOrderAsync(contract, library.LimitOrder("SELL", 1, 5))
    assert float(state.initMarginChange) > 0
    order = library.LimitOrder("SELL", 1, 90, orderRef="tour")
    trade = ib.placeOrder(contract, order)
    await until(lambda: trade.orderStatus.status == "Submitted")
    order.totalQuantity, order.lmtPrice = 2, 91
    ib.placeOrder(contract, order)
    await settle(ib)
    again = {t.order.permId: t for t in await ib.reqAllOpenOrdersAsync()}[order.permId]
    assert (again.order.totalQuantity, again.order.lmtPrice) == (2, 91)
    ib.cancelOrder(order)
    await until(lambda: trade.orderStatus.status == "Cancelled")
    assert 202 in ib.codes


async def test_it_trades_and_reads_the_trade_back(ib: Any, library: ModuleType):
    contract = await put(library, ib)
    trade = ib.placeOrder(contract, library.MarketOrder("SELL", 1, orderRef="tour"))
    await until(trade.isDone)
    await until(lambda: trade.fills and trade.fills[0].commissionReport.execId)
    assert trade.orderStatus.status == "Filled"
    by_side = await ib.reqExecutionsAsync(library.ExecutionFilter(side="SELL"))
    assert [fill.execution.orderRef for fill in by_side] == ["tour"]
    other = await ib.reqExecutionsAsync(library.ExecutionFilter(symbol="AAPL"))
    assert other == []
    completed = await ib.reqCompletedOrdersAsync(False)
    assert [t.order.orderRef for t in completed] == ["tour"]
    held = {p.contract.conId: p.position for p in ib.positions()}
    assert held[contract.conId] == -1


async def test_it_trades_a_two_legged_spread(ib: Any, library: ModuleType):
    sold, bought = await put(library, ib, 640), await put(library, ib, 620)
    spread = library.Contract(symbol="SPY", secType="BAG", exchange="SMART", currency="USD")
    spread.comboLegs = [
        library.ComboLeg(sold.conId, 1, "SELL", "SMART"),
        library.ComboLeg(bought.conId, 1, "BUY", "SMART"),
    ]
    ticker = ib.reqMktData(spread)
    await settle(ib)
    assert ticker.bid < ticker.ask < 0
    trade = ib.placeOrder(spread, library.LimitOrder("BUY", 1, 0.0))
    await until(trade.isDone)
    await settle(ib)
    assert sorted(fill.contract.secType for fill in trade.fills) == ["BAG", "OPT", "OPT"]


async def test_it_reads_history(ib: Any, library: ModuleType):
    spy, contract = await stock(library, ib), await put(library, ib)
    year = await ib.reqHistoricalDataAsync(spy, "", "1 Y", "1 day", "TRADES", True)
    assert len(year) > 240
    hours = await ib.reqHistoricalDataAsync(contract, "", "5 D", "1 hour", "MIDPOINT", True, 2)
    assert len(hours) == 4 * 7 + 1
    assert all(bar.low <= bar.open <= bar.high for bar in hours)
    head = await ib.reqHeadTimeStampAsync(spy, "TRADES", True, 1)
    assert head.year < 2026
    ticks = await ib.reqHistoricalTicksAsync(spy, "20261120 10:00:00", "", 50, "BID_ASK", True)
    assert len(ticks) == 50
    histogram = await ib.reqHistogramDataAsync(spy, True, "2 days")
    assert sum(row.count for row in histogram) > 0


async def test_bars_stay_up_to_date(ib: Any, library: ModuleType, gateway: SimulatedGateway):
    spy = await stock(library, ib)
    bars = await ib.reqHistoricalDataAsync(
        spy, "", "1 D", "5 mins", "TRADES", True, keepUpToDate=True
    )
    live = ib.reqRealTimeBars(spy, 5, "TRADES", True)
    count = len(bars)
    await settle(ib)
    gateway.clock.advance(timedelta(minutes=6))
    await until(lambda: len(bars) > count)
    assert len(live) == 60
    ib.cancelHistoricalData(bars)
    ib.cancelRealTimeBars(live)
    await settle(ib)
    gateway.clock.advance(timedelta(minutes=6))
    await settle(ib)
    assert len(live) == 60


async def test_it_follows_profit(ib: Any, library: ModuleType, gateway: SimulatedGateway):
    account = ib.managedAccounts()[0]
    whole = ib.reqPnL(account)
    aapl = await stock(library, ib, "AAPL")
    single = ib.reqPnLSingle(account, "", aapl.conId)
    await until(lambda: single.position == 200)
    before = whole.dailyPnL
    gateway.clock.advance(timedelta(minutes=10))
    await until(lambda: whole.dailyPnL != before)
    ib.cancelPnL(account)
    ib.cancelPnLSingle(account, "", aapl.conId)


async def test_it_reconnects_and_finds_its_orders(connect: Connect, library: ModuleType):
    first = await connect(1)
    contract = await put(library, first)
    trade = first.placeOrder(contract, library.LimitOrder("SELL", 1, 90, orderRef="kept"))
    await until(lambda: trade.order.permId)
    first.disconnect()
    again = await connect(1)
    assert [t.order.orderRef for t in again.openTrades()] == ["kept"]
    assert again.openTrades()[0].order.permId == trade.order.permId


async def test_a_second_client_sees_all_orders_and_cannot_take_an_id_in_use(
    connect: Connect, library: ModuleType, gateway: SimulatedGateway
):
    first, second = await connect(1), await connect(2)
    contract = await put(library, first)
    first.placeOrder(contract, library.LimitOrder("SELL", 1, 90, orderRef="theirs"))
    await settle(first)
    seen = await second.reqAllOpenOrdersAsync()
    assert [t.order.orderRef for t in seen] == ["theirs"]
    rival = library.IB()
    with pytest.raises((ConnectionError, asyncio.TimeoutError)):
        await rival.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.3)
    assert first.isConnected()
