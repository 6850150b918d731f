"""One-cancels-all groups, brackets, and orders held back by their client."""

from __future__ import annotations

from datetime import timedelta

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder, Order, StopOrder, Trade

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import Recorder, place, qualified, quoted, settle, spy_put


async def _aapl(ib: Recorder) -> ib_async.Contract:
    return await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD"))


async def _group(
    ib: Recorder, contract: ib_async.Contract, orders: list[Order], oca_type: int
) -> list[Trade]:
    ib_async.IB.oneCancelsAll(orders, "group", oca_type)
    return [await place(ib, contract, order) for order in orders]


@pytest.mark.parametrize("oca_type", [1, 2, 3])
async def test_a_filled_order_of_a_group_cancels_the_others_with_202(ib: Recorder, oca_type: int):
    put = await spy_put(ib)
    bid = (await quoted(ib, put)).bid
    orders = [LimitOrder("SELL", 1, 90), LimitOrder("SELL", 1, 80), LimitOrder("SELL", 1, bid)]
    trades = await _group(ib, put, orders, oca_type)
    assert [t.orderStatus.status for t in trades] == ["Cancelled", "Cancelled", "Filled"]
    for trade in trades[:2]:
        assert (trade.order.orderId, 202) in [e[:2] for e in ib.errors]


async def test_a_partial_fill_cancels_a_type_1_group(ib: Recorder):
    stock = await _aapl(ib)
    await quoted(ib, stock)
    rest, part = await _group(
        ib, stock, [LimitOrder("SELL", 3000, 900), MarketOrder("SELL", 3000)], 1
    )
    assert 0 < part.filled() < 3000
    assert rest.orderStatus.status == "Cancelled"
    assert part.orderStatus.status == "Submitted"


async def test_a_partial_fill_reduces_a_type_3_group_in_proportion(ib: Recorder):
    stock = await _aapl(ib)
    await quoted(ib, stock)
    orders = [
        LimitOrder("SELL", 3000, 900),
        LimitOrder("SELL", 1500, 900),
        MarketOrder("SELL", 3000),
    ]
    same, half, part = await _group(ib, stock, orders, 3)
    left = 3000 - part.filled()
    assert (same.order.totalQuantity, half.order.totalQuantity) == (left, left // 2)
    assert same.orderStatus.remaining == left


async def test_nothing_joins_a_group_that_has_traded(ib: Recorder):
    put = await spy_put(ib)
    bid = (await quoted(ib, put)).bid
    orders = [LimitOrder("SELL", 1, bid), LimitOrder("SELL", 1, bid)]
    first, late = await _group(ib, put, orders, 1)
    assert first.orderStatus.status == "Filled"
    assert late.filled() == 0
    assert ib.errors[-1][:2] == (late.order.orderId, 201)


async def _bracket(ib: Recorder, entry: float, profit: float, loss: float) -> list[Trade]:
    stock = await _aapl(ib)
    await quoted(ib, stock)
    bracket = ib.bracketOrder("BUY", 10, entry, profit, loss)
    return [await place(ib, stock, order) for order in bracket]


async def test_a_bracket_works_as_one_and_its_exits_wait_for_the_entry(
    ib: Recorder, gateway: SimulatedGateway
):
    parent, profit, loss = await _bracket(ib, 100, 900, 50)
    assert parent.orderStatus.status == "Submitted"
    assert [t.orderStatus.status for t in (profit, loss)] == ["PreSubmitted"] * 2
    assert [t.orderStatus.whyHeld for t in (profit, loss)] == ["child", "child,trigger"]
    assert profit.orderStatus.parentId == parent.order.orderId
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert not profit.fills + loss.fills


async def test_a_held_order_does_not_trade_before_it_is_transmitted(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    bid = (await quoted(ib, put)).bid
    trade = await place(ib, put, LimitOrder("SELL", 1, bid, transmit=False))
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert (trade.orderStatus.status, trade.filled()) == ("PreSubmitted", 0)
    trade.order.transmit, trade.order.lmtPrice = True, round(bid - 1, 2)
    ib.placeOrder(put, trade.order)
    await settle(ib)
    assert trade.orderStatus.status == "Filled"


async def test_when_the_entry_fills_the_exits_go_live_and_cancel_each_other(ib: Recorder):
    price = (await quoted(ib, await _aapl(ib))).ask
    parent, profit, loss = await _bracket(ib, price + 1, price - 20, 50)
    assert parent.orderStatus.status == "Filled"
    # Sold at the bid, far above its limit, as soon as the entry was there.
    assert (profit.orderStatus.status, loss.orderStatus.status) == ("Filled", "Cancelled")


async def test_exits_end_with_an_entry_that_is_cancelled(ib: Recorder):
    trades = await _bracket(ib, 100, 900, 50)
    ib.cancelOrder(trades[0].order)
    await settle(ib)
    assert [t.orderStatus.status for t in trades] == ["Cancelled"] * 3


async def test_a_cancelled_exit_leaves_the_other_to_work(ib: Recorder):
    price = (await quoted(ib, await _aapl(ib))).ask
    _, profit, loss = await _bracket(ib, price + 1, 900, 50)
    ib.cancelOrder(profit.order)
    await settle(ib)
    assert profit.orderStatus.status == "Cancelled"
    assert loss.orderStatus.status == "PreSubmitted"
    assert loss.orderStatus.whyHeld == "trigger"


async def test_an_entry_refused_at_transmission_takes_its_exits_along(ib: Recorder):
    stock = await _aapl(ib)
    bracket = ib.bracketOrder("BUY", 100_000, 250, 900, 50)
    trades = [await place(ib, stock, order) for order in bracket]
    assert trades[0].orderStatus.status == "Inactive"
    assert [t.orderStatus.status for t in trades[1:]] == ["Cancelled"] * 2


async def test_a_stop_attached_to_a_filled_entry_works_at_once(ib: Recorder):
    stock = await _aapl(ib)
    await quoted(ib, stock)
    entry = await place(ib, stock, MarketOrder("BUY", 10))
    assert entry.orderStatus.status == "Filled"
    stop = StopOrder("SELL", 10, 50, parentId=entry.order.orderId)
    trade = await place(ib, stock, stop)
    assert (trade.orderStatus.status, trade.orderStatus.whyHeld) == ("PreSubmitted", "trigger")
