"""Small programs as people write them for the real gateway, run here as they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import ib_async
import ib_insync
import pytest

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import StartGateway, until


@pytest.fixture(autouse=True)
def no_decode_errors(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    decoding = [r for r in caplog.records if r.name.endswith(".Decoder")]
    assert [r.getMessage() for r in decoding if r.levelno >= logging.ERROR] == []


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> SimulatedGateway:
    """A market that runs by itself, thirty times as fast as the clock on the wall."""
    return await start_gateway(speed=30)


@pytest.fixture
def port(gateway: SimulatedGateway) -> int:
    return gateway.port


async def scan_puts(port: int, symbol: str = "SPY", width: float = 0.06) -> list[dict[str, Any]]:
    """Puts of the nearest monthly expiry between 15 and 35 delta, the richest first."""
    ib = ib_insync.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=21)
    stock = ib_insync.Stock(symbol, "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    (quote,) = await ib.reqTickersAsync(stock)
    spot = quote.marketPrice()
    chains = await ib.reqSecDefOptParamsAsync(stock.symbol, "", stock.secType, stock.conId)
    chain = next(c for c in chains if c.tradingClass == symbol and c.exchange == "SMART")
    expiry = next(e for e in sorted(chain.expirations) if e >= "20261218")
    strikes = [k for k in chain.strikes if spot * (1 - width) < k < spot][::4]
    contracts = [ib_insync.Option(symbol, expiry, k, "P", "SMART", tradingClass=symbol)
                 for k in strikes]  # fmt: skip
    contracts = await ib.qualifyContractsAsync(*contracts)
    tickers = await ib.reqTickersAsync(*contracts)
    rows = [
        {"strike": t.contract.strike, "bid": t.bid, "delta": t.modelGreeks.delta,
         "iv": t.modelGreeks.impliedVol, "yield": t.bid / t.contract.strike}
        for t in tickers
        if t.modelGreeks and 0.15 <= abs(t.modelGreeks.delta) <= 0.35
    ]  # fmt: skip
    ib.disconnect()
    return sorted(rows, key=lambda row: -row["yield"])


async def test_a_scanner_of_chains_finds_puts_with_greeks(port: int):
    rows = await scan_puts(port)
    assert rows
    assert all(row["bid"] > 0 and 0.05 < row["iv"] < 0.5 for row in rows)


async def dump_account(port: int) -> dict[str, Any]:
    ib = ib_async.IB()
    with await ib.connectAsync("127.0.0.1", port, clientId=22, readonly=True):
        summary = {v.tag: v.value for v in await ib.accountSummaryAsync()}
        portfolio = [
            (item.contract.localSymbol, item.position, item.marketPrice, item.unrealizedPNL)
            for item in ib.portfolio()
        ]
        return {"summary": summary, "portfolio": portfolio}


async def test_a_dump_of_the_account_shows_what_is_held(port: int):
    dump = await dump_account(port)
    assert float(dump["summary"]["NetLiquidation"]) > 900_000
    assert ("AAPL", 200) in {row[:2] for row in dump["portfolio"]}


async def bracket(port: int, symbol: str) -> list[ib_async.Trade]:
    ib = ib_async.IB()
    await ib.connectAsync("127.0.0.1", port, clientId=23)
    stock = ib_async.Stock(symbol, "SMART", "USD")
    await ib.qualifyContractsAsync(stock)
    (ticker,) = await ib.reqTickersAsync(stock)
    orders = ib.bracketOrder(
        "BUY", 10,
        limitPrice=round(ticker.ask + 0.05, 2),
        takeProfitPrice=round(ticker.ask * 1.2, 2),
        stopLossPrice=round(ticker.ask * 0.8, 2),
    )  # fmt: skip
    trades = [ib.placeOrder(stock, order) for order in orders]
    await until(trades[0].isDone)
    await until(lambda: trades[1].orderStatus.status == "Submitted")
    for trade in trades[1:]:
        ib.cancelOrder(trade.order)
    await until(lambda: all(trade.isDone() for trade in trades))
    ib.disconnect()
    return trades


async def test_a_bracket_is_entered_works_and_is_cancelled_as_a_whole(port: int):
    entry, profit, stop = await bracket(port, "MSFT")
    assert entry.orderStatus.status == "Filled"
    assert profit.orderStatus.status == "Cancelled"
    assert stop.orderStatus.status == "Cancelled"


async def sell_puts_until(port: int, symbol: str, count: int) -> list[float]:
    """The first half of a wheel: sell a put at the middle, come down a cent when nobody buys."""
    ib, sold = ib_async.IB(), []
    await ib.connectAsync("127.0.0.1", port, clientId=24)
    while len(sold) < count:
        (option,) = await ib.qualifyContractsAsync(
            ib_async.Option(symbol, "20261218", 620, "P", "SMART")
        )
        assert option is not None
        ticker = ib.reqMktData(option, "", False, False)
        await until(lambda ticker=ticker: ticker.bid > 0 and ticker.ask > 0)
        price = round(ticker.midpoint(), 2)
        order = ib_async.LimitOrder("SELL", 1, price, tif="DAY", orderRef=f"wheel-{len(sold)}")
        trade = ib.placeOrder(option, order)
        # The bid may fall as well: the price follows it for as long as it takes.
        while not trade.isDone():
            # Not its event: a fill between two waits would be missed, and the order modified.
            with suppress(TimeoutError):
                await until(trade.isDone, 0.5)
            if not trade.isDone():
                order.lmtPrice = round(max(order.lmtPrice - 0.02, ticker.bid), 2)
                ib.placeOrder(option, order)
        sold.append(trade.orderStatus.avgFillPrice)
        ib.cancelMktData(option)
    ib.disconnect()
    return sold


async def test_a_wheel_sells_its_puts(port: int, gateway: SimulatedGateway):
    sold = await sell_puts_until(port, "SPY", 2)
    assert all(price > 0 for price in sold)
    references = [order.order_ref for order in gateway.ledger.orders()]
    assert references == ["wheel-0", "wheel-1"]


async def download(port: int, symbols: list[str]) -> dict[str, list[Any]]:
    """Daily bars of a year, then a month of five-minute bars, day by day, as the pacing allows."""
    ib, bars = ib_async.IB(), {}
    await ib.connectAsync("127.0.0.1", port, clientId=25)
    for symbol in symbols:
        stock = ib_async.Stock(symbol, "SMART", "USD")
        await ib.qualifyContractsAsync(stock)
        daily = await ib.reqHistoricalDataAsync(
            stock, endDateTime="", durationStr="1 Y", barSizeSetting="1 day",
            whatToShow="TRADES", useRTH=True,
        )  # fmt: skip
        bars[symbol] = list(daily)
        end: Any = ""
        for _ in range(3):
            chunk = await ib.reqHistoricalDataAsync(
                stock, endDateTime=end, durationStr="1 D", barSizeSetting="5 mins",
                whatToShow="MIDPOINT", useRTH=True, formatDate=2,
            )  # fmt: skip
            bars[f"{symbol} 5"] = [*chunk, *bars.get(f"{symbol} 5", [])]
            end = chunk[0].date
    ib.disconnect()
    return bars


async def test_a_download_of_history_has_no_gaps_and_no_repeats(port: int):
    bars = await download(port, ["SPY", "AAPL"])
    assert len(bars["SPY"]) > 240
    for symbol in ("SPY 5", "AAPL 5"):
        times = [bar.date for bar in bars[symbol]]
        assert times == sorted(set(times))
        gaps = {b - a for a, b in pairwise(times)}
        assert min(gaps) == timedelta(minutes=5)
        assert len(times) > 2 * 78
