"""Stops, auctions, times in force and conditions, as an unmodified client sees them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder, Order, StopLimitOrder, StopOrder

from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.order_times import parse_time
from tests.simulator.conftest import (
    TEN_O_CLOCK,
    Connect,
    Recorder,
    place,
    qualified,
    quoted,
    settle,
    spy_put,
)


async def _aapl(ib: Recorder) -> ib_async.Contract:
    return await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD"))


async def _advance_until(gateway: SimulatedGateway, ib: Recorder, trade: ib_async.Trade) -> None:
    """Move time until the order has ended; it must, within a few hours."""
    for _ in range(300):
        gateway.clock.advance(timedelta(minutes=1))
        await settle(ib)
        if trade.isDone():
            return
    raise AssertionError(f"still {trade.orderStatus.status}")


async def test_a_stop_the_market_has_reached_trades_at_the_market(ib: Recorder):
    stock = await _aapl(ib)
    ticker = await quoted(ib, stock)
    trade = await place(ib, stock, StopOrder("SELL", 10, round(ticker.last + 1, 2)))
    assert trade.orderStatus.status == "Filled"
    assert trade.orderStatus.avgFillPrice == ticker.bid


async def test_a_stop_waits_for_its_price_and_says_so(ib: Recorder, gateway: SimulatedGateway):
    stock = await _aapl(ib)
    ticker = await quoted(ib, stock)
    stop = round(ticker.last - 0.4, 2)
    trade = await place(ib, stock, StopOrder("SELL", 10, stop, tif="GTC"))
    assert (trade.orderStatus.status, trade.orderStatus.whyHeld) == ("PreSubmitted", "trigger")
    assert trade.order.auxPrice == stop
    await _advance_until(gateway, ib, trade)
    assert "Submitted" in [entry.status for entry in trade.log]
    assert trade.orderStatus.avgFillPrice <= stop + 0.1


async def test_a_stop_limit_never_trades_beyond_its_limit(ib: Recorder, gateway: SimulatedGateway):
    stock = await _aapl(ib)
    ticker = await quoted(ib, stock)
    limit = round(ticker.last + 5, 2)
    trade = await place(ib, stock, StopLimitOrder("SELL", 10, limit, round(ticker.last + 1, 2)))
    assert trade.orderStatus.status == "Submitted"
    assert (trade.order.lmtPrice, trade.order.auxPrice) == (limit, round(ticker.last + 1, 2))
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert all(fill.execution.price >= limit for fill in trade.fills)


@pytest.mark.parametrize(("stop_over", "triggered"), [("bid", True), ("ask", False)])
async def test_a_stop_on_an_option_looks_at_the_touch(
    ib: Recorder, stop_over: str, triggered: bool
):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    # A buy stop needs the bid at or above its price; the last trade is not asked.
    stop = ticker.bid if stop_over == "bid" else ticker.ask + 0.5
    trade = await place(ib, put, StopOrder("BUY", 1, round(stop, 2)))
    assert (trade.orderStatus.status == "Filled") is triggered


async def test_a_triggered_stop_survives_a_restart(tmp_path: Path, connect: Connect):
    options = {"data_dir": tmp_path, "port": 0, "speed": 0, "start": TEN_O_CLOCK}
    async with SimulatedGateway(GatewayOptions(**options)) as gateway:
        ib = await connect(gateway)
        stock = await _aapl(ib)
        last = (await quoted(ib, stock)).last
        high, reached = round(last + 5, 2), round(last + 1, 2)
        await place(ib, stock, StopLimitOrder("SELL", 10, high, reached, tif="GTC"))
        await place(ib, stock, StopOrder("SELL", 10, 100.0, tif="GTC"))
        ib.disconnect()
    async with SimulatedGateway(GatewayOptions(**options)) as again:
        states = [(o.triggered, o.status) for o in again.exchange.working_orders()]
    assert states == [(True, "Submitted"), (False, "PreSubmitted")]


async def test_market_and_limit_on_close_trade_in_the_closing_auction(
    ib: Recorder, gateway: SimulatedGateway
):
    stock = await _aapl(ib)
    moc = await place(ib, stock, Order(action="SELL", totalQuantity=50, orderType="MOC"))
    near = Order(action="BUY", totalQuantity=50, orderType="LOC", lmtPrice=400)
    far = Order(action="BUY", totalQuantity=50, orderType="LOC", lmtPrice=100)
    buys = [await place(ib, stock, order) for order in (near, far)]
    gateway.clock.advance(timedelta(hours=5))
    await settle(ib)
    assert {t.orderStatus.status for t in (moc, *buys)} == {"PreSubmitted"}
    gateway.clock.advance(timedelta(hours=2))
    await settle(ib)
    assert [t.orderStatus.status for t in (moc, *buys)] == ["Filled", "Filled", "Cancelled"]
    assert moc.fills[0].execution.price == buys[0].fills[0].execution.price
    assert moc.fills[0].execution.time.hour == 21


async def test_an_order_at_the_opening_trades_at_the_open_or_ends(
    ib: Recorder, gateway: SimulatedGateway
):
    stock = await _aapl(ib)
    gateway.clock.advance(timedelta(hours=7))
    market = await place(ib, stock, MarketOrder("SELL", 20, tif="OPG"))
    limit = await place(ib, stock, LimitOrder("SELL", 20, 900, tif="OPG"))
    assert market.orderStatus.status == "PreSubmitted"
    gateway.clock.advance(timedelta(minutes=6))
    await settle(ib)
    assert (market.orderStatus.status, limit.orderStatus.status) == ("Filled", "Cancelled")


async def test_a_fill_or_kill_order_trades_whole_or_not_at_all(ib: Recorder):
    stock = await _aapl(ib)
    bid = (await quoted(ib, stock)).bid
    small = await place(ib, stock, LimitOrder("SELL", 10, bid, tif="FOK"))
    large = await place(ib, stock, LimitOrder("SELL", 50_000, bid, tif="FOK"))
    assert (small.orderStatus.status, large.orderStatus.status) == ("Filled", "Inactive")
    large = await place(ib, stock, LimitOrder("SELL", 3000, bid, tif="FOK"))
    assert (large.orderStatus.status, large.filled()) == ("Cancelled", 0)


async def test_an_all_or_none_order_waits_for_the_whole_size(
    ib: Recorder, gateway: SimulatedGateway
):
    stock = await _aapl(ib)
    bid = (await quoted(ib, stock)).bid
    trade = await place(ib, stock, LimitOrder("SELL", 2500, bid - 50, allOrNone=True))
    gateway.clock.advance(timedelta(minutes=1))
    await settle(ib)
    assert (trade.orderStatus.status, trade.filled()) == ("Submitted", 0)


@pytest.mark.parametrize(
    "text",
    ["20261123 10:30:00 US/Eastern", "20261123-15:30:00", "20261123 10:30:00", "20261123 10:30",
     "20261123 15:30:00 UTC", "20261123 10:30:00 EST"],
)  # fmt: skip
def test_one_instant_may_be_written_in_many_ways(text: str):
    assert parse_time(text) == datetime(2026, 11, 23, 15, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", ["noon", "2026-11-23", "20261123 10:30:00 Mars", "20261323", "20"])
def test_a_time_that_is_none_is_refused(text: str):
    with pytest.raises(ValueError, match=r"\w"):
        parse_time(text)


async def test_a_good_till_date_order_ends_at_its_instant(ib: Recorder, gateway: SimulatedGateway):
    good_till = "20261123 10:05:00 US/Eastern"
    order = LimitOrder("SELL", 1, 90, tif="GTD", goodTillDate=good_till)
    trade = await place(ib, await spy_put(ib), order)
    gateway.clock.advance(timedelta(minutes=4))
    await settle(ib)
    assert trade.orderStatus.status == "Submitted"
    gateway.clock.advance(timedelta(minutes=1))
    await settle(ib)
    assert trade.orderStatus.status == "Cancelled"
    assert [t.order.goodTillDate for t in await ib.reqCompletedOrdersAsync(False)] == [good_till]


async def test_a_good_till_date_without_a_time_lasts_to_that_days_close(
    ib: Recorder, gateway: SimulatedGateway
):
    order = LimitOrder("SELL", 1, 90, tif="GTD", goodTillDate="20261124")
    trade = await place(ib, await spy_put(ib), order)
    gateway.clock.advance(timedelta(hours=7))
    await settle(ib)
    assert trade.orderStatus.status == "Submitted"
    gateway.clock.advance(timedelta(hours=7))
    await settle(ib)
    assert trade.orderStatus.status == "Cancelled"


async def test_an_order_whose_good_till_date_has_passed_is_rejected(ib: Recorder):
    order = LimitOrder("SELL", 1, 90, tif="GTD", goodTillDate="20261123 09:45:00")
    trade = await place(ib, await spy_put(ib), order)
    assert ib.errors[-1][:2] == (trade.order.orderId, 201)


async def test_a_good_after_time_holds_an_order_back(ib: Recorder, gateway: SimulatedGateway):
    put = await spy_put(ib)
    bid = (await quoted(ib, put)).bid
    order = LimitOrder("SELL", 1, round(bid - 1, 2), goodAfterTime="20261123 10:20:00 US/Eastern")
    trade = await place(ib, put, order)
    gateway.clock.advance(timedelta(minutes=19))
    await settle(ib)
    assert (trade.orderStatus.status, trade.filled()) == ("PreSubmitted", 0)
    gateway.clock.advance(timedelta(minutes=2))
    await settle(ib)
    assert trade.orderStatus.status == "Filled"


async def test_conditions_on_time_and_price_wake_an_order_together(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    bid = (await quoted(ib, put)).bid
    conditions = [
        ib_async.TimeCondition(isMore=True, time="20261123 10:10:00 US/Eastern"),
        ib_async.PriceCondition(isMore=True, price=100, conId=10001, exch="SMART"),
    ]
    trade = await place(ib, put, LimitOrder("SELL", 1, round(bid - 1, 2), conditions=conditions))
    assert trade.orderStatus.status == "PreSubmitted"
    (seen,) = await ib.reqAllOpenOrdersAsync()
    assert seen.order.conditions == conditions
    gateway.clock.advance(timedelta(minutes=11))
    await settle(ib)
    assert trade.orderStatus.status == "Filled"


async def test_either_of_two_conditions_is_enough_and_an_unmet_price_is_not(ib: Recorder):
    put = await spy_put(ib)
    bid = round((await quoted(ib, put)).bid - 1, 2)
    never = ib_async.PriceCondition(isMore=True, price=5000, conId=10001, exch="SMART")
    always = ib_async.PriceCondition(isMore=True, price=100, conId=10001, exch="SMART")
    waits = await place(ib, put, LimitOrder("SELL", 1, bid, conditions=[never]))
    wakes = await place(ib, put, LimitOrder("SELL", 1, bid, conditions=[never.Or(), always]))
    assert waits.orderStatus.status == "PreSubmitted"
    assert wakes.orderStatus.status == "Filled"


async def test_conditions_can_cancel_an_order_instead(ib: Recorder, gateway: SimulatedGateway):
    order = LimitOrder("SELL", 1, 90, conditionsCancelOrder=True)
    order.conditions = [ib_async.TimeCondition(isMore=True, time="20261123 10:10:00")]
    trade = await place(ib, await spy_put(ib), order)
    assert trade.orderStatus.status == "Submitted"
    gateway.clock.advance(timedelta(minutes=11))
    await settle(ib)
    assert trade.orderStatus.status == "Cancelled"


async def test_an_adaptive_market_order_is_an_ordinary_one(ib: Recorder):
    order = MarketOrder("SELL", 1, algoStrategy="Adaptive")
    order.algoParams = [ib_async.TagValue("adaptivePriority", "Urgent")]
    assert (await place(ib, await spy_put(ib), order)).orderStatus.status == "Filled"


async def test_every_working_term_can_be_modified(ib: Recorder, gateway: SimulatedGateway):
    put = await spy_put(ib)
    trade = await place(ib, put, LimitOrder("SELL", 5, 90))
    trade.order.orderType, trade.order.auxPrice, trade.order.tif = "STP LMT", 0.05, "GTC"
    trade.order.lmtPrice, trade.order.totalQuantity = 0.05, 4
    ib.placeOrder(put, trade.order)
    await settle(ib)
    (order,) = gateway.exchange.working_orders()
    assert (order.terms.order_type, order.terms.tif) == ("STP LMT", "GTC")
    assert (order.terms.quantity, order.terms.stop_price) == (4, Decimal("0.05"))
    assert trade.orderStatus.status == "PreSubmitted"


async def test_a_quantity_cannot_be_reduced_below_what_has_filled(
    ib: Recorder, gateway: SimulatedGateway
):
    stock = await _aapl(ib)
    await quoted(ib, stock)
    trade = await place(ib, stock, MarketOrder("SELL", 3000))
    filled = trade.filled()
    assert 0 < filled < 3000
    trade.order.totalQuantity = filled - 1
    ib.placeOrder(stock, trade.order)
    await settle(ib)
    assert ib.errors[-1][:2] == (trade.order.orderId, 104)
    assert gateway.exchange.working_orders()[0].terms.quantity == 3000
