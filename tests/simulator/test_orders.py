from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder

from infra.simulator.app import SimulatedGateway
from infra.simulator.records import OrderStatus
from tests.simulator.conftest import (
    Connect,
    Recorder,
    place,
    qualified,
    quoted,
    run_until_done,
    settle,
    spy_put,
)


async def test_an_accepted_order_is_shown_before_its_status(
    ib: Recorder, gateway: SimulatedGateway
):
    mark = len(ib.calls)
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90, orderRef="GL-1"))
    assert ib.names_since(mark) == ["openOrder", "orderStatus"]
    assert trade.orderStatus.status == "Submitted"
    assert trade.order.permId > 0
    assert [order.order_ref for order in gateway.ledger.orders("GL-1")] == ["GL-1"]


async def test_a_fill_arrives_as_execution_order_status_and_commission_in_that_order(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    mark = len(ib.calls)
    trade = await place(ib, put, LimitOrder("SELL", 1, ticker.bid, orderRef="GL-2"))
    assert ib.names_since(mark) == [
        *("openOrder", "orderStatus"),
        *("execDetails", "openOrder", "orderStatus", "commissionReport"),
    ]
    fill = trade.fills[0]
    assert fill.execution.orderRef == "GL-2"
    assert fill.execution.permId == trade.order.permId
    assert fill.execution.price == ticker.bid
    assert fill.commissionReport.commission == 1.0
    assert trade.orderStatus.status == "Filled"
    assert (trade.orderStatus.filled, trade.orderStatus.remaining) == (1, 0)


async def test_a_limit_at_mid_fills_within_a_minute_or_so_and_never_worse(
    ib: Recorder, gateway: SimulatedGateway
):
    waits = []
    for strike in (630, 635, 640, 645, 650):
        put = await spy_put(ib, strike)
        ticker = await quoted(ib, put)
        mid = round((ticker.bid + ticker.ask) / 2, 2)
        trade = await place(ib, put, LimitOrder("SELL", 1, mid))
        waits.append(await run_until_done(gateway, ib, trade))
        assert trade.orderStatus.avgFillPrice >= mid
    assert sum(waits) / len(waits) < 60


async def test_an_order_far_from_the_market_rests(ib: Recorder, gateway: SimulatedGateway):
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90))
    gateway.clock.advance(timedelta(minutes=30))
    await settle(ib)
    assert trade.orderStatus.status == "Submitted"
    assert not trade.fills


async def test_a_large_order_fills_in_parts_no_larger_than_the_displayed_size(
    ib: Recorder, gateway: SimulatedGateway
):
    stock = await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD"))
    await quoted(ib, stock)
    trade = await place(ib, stock, MarketOrder("SELL", 3000))
    assert 0 < trade.orderStatus.filled < 3000
    assert trade.orderStatus.status == "Submitted"
    await run_until_done(gateway, ib, trade)
    assert trade.filled() == 3000
    assert len(trade.fills) > 1
    assert all(f.execution.shares <= 2000 for f in trade.fills)
    charged = sum(f.commissionReport.commission for f in trade.fills)
    assert charged == pytest.approx(3000 * 0.005)


async def test_cancelling_reports_the_status_and_then_the_reason(ib: Recorder):
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90))
    mark = len(ib.calls)
    ib.cancelOrder(trade.order)
    await settle(ib)
    assert ib.names_since(mark) == ["orderStatus", "error"]
    assert ib.errors[-1][:2] == (trade.order.orderId, 202)
    assert trade.orderStatus.status == "Cancelled"


async def test_cancelling_what_is_not_there_or_done_is_refused_with_its_own_code(ib: Recorder):
    ib.client.cancelOrder(4711)
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    filled = await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    ib.client.cancelOrder(filled.order.orderId)
    await settle(ib)
    assert (4711, 10147) in [e[:2] for e in ib.errors]
    assert (filled.order.orderId, 10148) in [e[:2] for e in ib.errors]


async def test_placing_again_under_the_same_id_modifies_the_order(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    trade = await place(ib, put, LimitOrder("SELL", 1, 90))
    perm_id = trade.order.permId
    trade.order.lmtPrice = 80
    ib.placeOrder(put, trade.order)
    await settle(ib)
    (order,) = gateway.ledger.orders()
    assert (order.perm_id, order.terms.limit_price) == (perm_id, Decimal(80))
    assert [event.kind for event in gateway.ledger.events()] == ["accepted", "modified"]


async def test_the_id_of_a_finished_order_cannot_be_used_again(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    done = await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    ib.client.placeOrder(done.order.orderId, put, LimitOrder("SELL", 1, 90))
    await settle(ib)
    assert ib.errors[-1][:2] == (done.order.orderId, 104)
    cancelled = await place(ib, put, LimitOrder("SELL", 1, 90))
    ib.cancelOrder(cancelled.order)
    ib.client.placeOrder(cancelled.order.orderId, put, LimitOrder("SELL", 1, 90))
    await settle(ib)
    assert ib.errors[-1][:2] == (cancelled.order.orderId, 103)


async def test_an_order_id_below_one_already_used_is_a_duplicate(ib: Recorder):
    put = await spy_put(ib)
    trade = await place(ib, put, LimitOrder("SELL", 1, 90))
    ib.client.placeOrder(trade.order.orderId - 1, put, LimitOrder("SELL", 1, 90))
    await settle(ib)
    assert ib.errors[-1][:2] == (trade.order.orderId - 1, 103)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (LimitOrder("SELL", 1, 3.605), 110),
        (LimitOrder("SELL", 1, -1), 321),
        (LimitOrder("SELL", 0, 90), 434),
        (LimitOrder("SELL", 1.5, 90), 10243),
        (LimitOrder("HOLD", 1, 90), 321),
        (LimitOrder("SELL", 1, 90, tif="FROB"), 321),
        (LimitOrder("SELL", 1, 90, account="DU9"), 321),
        (LimitOrder("SELL", 1, 90, tif="GTD"), 343),
        (LimitOrder("SELL", 1, 90, tif="GTD", goodTillDate="tomorrow"), 343),
        (LimitOrder("SELL", 1, 90, parentId=4711), 10006),
        (LimitOrder("SELL", 1, 90, ocaGroup="g", ocaType=9), 321),
        (ib_async.StopOrder("SELL", 1, 0), 321),
        (ib_async.StopLimitOrder("SELL", 1, 1.005, 1.10), 110),
        (ib_async.Order(action="SELL", totalQuantity=1, orderType="MIDPRICE"), 387),
        (ib_async.Order(action="SELL", totalQuantity=1, orderType="MOC"), 387),
        (LimitOrder("SELL", 1, 90, algoStrategy="Twap"), 439),
        (LimitOrder("SELL", 1, 90, conditions=[ib_async.VolumeCondition(conId=10001)]), 387),
        (LimitOrder("SELL", 1, 90, conditions=[ib_async.PriceCondition(conId=9)]), 200),
        (LimitOrder("SELL", 1, 90, conditions=[ib_async.TimeCondition(time="noon")]), 343),
        (LimitOrder("SELL", 1, 90, hedgeType="D", hedgeParam="1"), 387),
    ],
)
async def test_orders_that_cannot_be_are_refused_and_leave_no_trace(
    ib: Recorder, gateway: SimulatedGateway, order: ib_async.Order, code: int
):
    # The client's own default instances are shared between runs: a copy keeps them apart.
    order = ib_async.Order(**ib_async.util.dataclassAsDict(order))
    trade = await place(ib, await spy_put(ib), order)
    assert ib.errors[-1][:2] == (trade.order.orderId, code)
    assert gateway.ledger.orders() == []


async def test_an_unknown_contract_cannot_be_ordered(ib: Recorder):
    nothing = ib_async.Option("SPY", "20261219", 640, "P", "SMART")
    trade = await place(ib, nothing, LimitOrder("SELL", 1, 90))
    assert ib.errors[-1][:2] == (trade.order.orderId, 200)


async def test_an_order_beyond_the_margin_is_rejected_on_record(
    ib: Recorder, gateway: SimulatedGateway
):
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 500, 90, orderRef="GL-big"))
    assert ib.errors[-1][:2] == (trade.order.orderId, 201)
    (order,) = gateway.ledger.orders("GL-big")
    assert order.status is OrderStatus.INACTIVE
    completed = await ib.reqCompletedOrdersAsync(False)
    assert completed[0].order.orderRef == "GL-big"


async def test_an_adaptive_limit_is_an_ordinary_order(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    order = LimitOrder("SELL", 1, ticker.bid, algoStrategy="Adaptive")
    order.algoParams = [ib_async.TagValue("adaptivePriority", "Normal")]
    assert (await place(ib, put, order)).orderStatus.status == "Filled"


async def test_what_fills_not_at_once_of_an_ioc_order_is_cancelled(ib: Recorder):
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90, tif="IOC"))
    assert trade.orderStatus.status == "Cancelled"


async def test_what_if_answers_with_margins_and_places_nothing(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    state = await ib.whatIfOrderAsync(put, LimitOrder("SELL", 2, ticker.ask))
    change, after = float(state.initMarginChange), float(state.initMarginAfter)
    assert change > 10_000
    assert float(state.initMarginBefore) + change == pytest.approx(after)
    assert float(state.maintMarginAfter) > 0
    assert float(state.equityWithLoanAfter) > float(state.equityWithLoanBefore)
    assert state.commission == pytest.approx(1.3)
    assert gateway.ledger.orders() == []


async def test_a_two_leg_combo_fills_net_with_one_package_and_two_leg_executions(
    ib: Recorder, gateway: SimulatedGateway
):
    sold, bought = await spy_put(ib, 640), await spy_put(ib, 620)
    legs = [
        ib_async.ComboLeg(sold.conId, 1, "SELL", "SMART"),
        ib_async.ComboLeg(bought.conId, 1, "BUY", "SMART"),
    ]
    combo = ib_async.Contract(
        symbol="SPY", secType="BAG", exchange="SMART", currency="USD", comboLegs=legs
    )
    net = await quoted(ib, combo)
    mid = round((net.bid + net.ask) / 2, 2)
    order = LimitOrder("BUY", 2, mid, orderRef="GL-combo")
    order.smartComboRoutingParams = [ib_async.TagValue("NonGuaranteed", "0")]
    trade = await place(ib, combo, order)
    await run_until_done(gateway, ib, trade)
    assert trade.orderStatus.avgFillPrice <= mid
    fills = {(f.contract.secType, f.execution.side): f for f in trade.fills}
    assert set(fills) == {("BAG", "BOT"), ("OPT", "SLD"), ("OPT", "BOT")}
    assert {f.execution.permId for f in trade.fills} == {trade.order.permId}
    sold_fill, bought_fill = fills["OPT", "SLD"], fills["OPT", "BOT"]
    package = fills["BAG", "BOT"].execution.price
    assert bought_fill.execution.price - sold_fill.execution.price == pytest.approx(package)
    held = {p.contract.conId: p.position for p in ib.positions()}
    assert (held[sold.conId], held[bought.conId]) == (-2, 2)


async def test_closing_a_position_realises_its_profit(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    opened = await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    closed = await place(ib, put, LimitOrder("BUY", 1, ticker.ask))
    paid = (ticker.bid - ticker.ask) * 100 - 2.0
    assert opened.fills[0].commissionReport.realizedPNL == 0
    assert closed.fills[0].commissionReport.realizedPNL == pytest.approx(paid)
    assert put.conId not in {p.contract.conId for p in ib.positions()}


async def test_executions_are_filtered_and_carry_their_commissions(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    put = await spy_put(ib)
    stock = await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD"))
    bid = (await quoted(ib, put)).bid
    await place(ib, put, LimitOrder("SELL", 1, bid))
    await place(ib, stock, MarketOrder("BUY", 10))
    other = await connect(gateway, 2)
    assert len(await other.reqExecutionsAsync()) == 2
    by_symbol = await other.reqExecutionsAsync(ib_async.ExecutionFilter(symbol="AAPL"))
    assert [f.contract.symbol for f in by_symbol] == ["AAPL"]
    assert await other.reqExecutionsAsync(ib_async.ExecutionFilter(clientId=2)) == []
    assert len(await other.reqExecutionsAsync(ib_async.ExecutionFilter(side="SELL"))) == 1
    later = ib_async.ExecutionFilter(time="20261123-16:00:00")
    assert await other.reqExecutionsAsync(later) == []
    assert all(f.commissionReport.commission == 1.0 for f in other.fills())


async def test_completed_orders_know_their_reference_but_not_their_order_id(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    await place(ib, put, LimitOrder("SELL", 1, ticker.bid, orderRef="GL-done"))
    ib.cancelOrder((await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-off"))).order)
    await settle(ib)
    done = {t.order.orderRef: t for t in await ib.reqCompletedOrdersAsync(False)}
    assert done["GL-done"].orderStatus.status == "Filled"
    assert done["GL-done"].order.filledQuantity == 1
    assert done["GL-off"].orderStatus.status == "Cancelled"
    assert {t.order.orderId for t in done.values()} == {0}
    assert len({t.order.permId for t in done.values()}) == 2


async def test_day_orders_end_at_the_close_and_gtc_orders_go_on(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    day = await place(ib, put, LimitOrder("SELL", 1, 90))
    gtc = await place(ib, put, LimitOrder("SELL", 1, 91, tif="GTC"))
    gateway.clock.advance(timedelta(hours=7))
    await settle(ib)
    assert day.orderStatus.status == "Cancelled"
    assert gtc.orderStatus.status == "Submitted"


async def test_orders_placed_before_the_open_wait_for_it(ib: Recorder, gateway: SimulatedGateway):
    gateway.clock.advance(timedelta(hours=7))
    put = await spy_put(ib)
    trade = await place(ib, put, MarketOrder("SELL", 1))
    assert trade.orderStatus.status == "PreSubmitted"
    gateway.clock.advance(timedelta(minutes=6))
    await settle(ib)
    assert trade.orderStatus.status == "Filled"


async def test_a_fill_updates_positions_portfolio_and_cash_of_subscribers(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    before = {v.tag: v.value for v in ib.accountValues()}
    await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    after = {v.tag: v.value for v in ib.accountValues()}
    earned = float(after["TotalCashValue"]) - float(before["TotalCashValue"])
    assert earned == pytest.approx(ticker.bid * 100 - 1)
    (item,) = [i for i in ib.portfolio() if i.contract.conId == put.conId]
    assert item.position == -1
    assert item.averageCost == pytest.approx(ticker.bid * 100 - 1)


async def test_profit_and_loss_streams(ib: Recorder, gateway: SimulatedGateway):
    whole = ib.reqPnL("DU1000001")
    single = ib.reqPnLSingle("DU1000001", "", 10004)
    await settle(ib)
    before = whole.dailyPnL
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    assert whole.dailyPnL != before
    assert single.position == 200
    assert single.value == pytest.approx(200 * 270, rel=0.1)


async def test_many_orders_at_once_get_distinct_permanent_ids(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    others = [await connect(gateway, n) for n in (2, 3)]
    put = await spy_put(ib)
    trades = [c.placeOrder(put, LimitOrder("BUY", 1, 0.5)) for c in (ib, *others) for _ in range(5)]
    await asyncio.gather(*(settle(c) for c in (ib, *others)))
    assert len({t.order.permId for t in trades}) == 15
    ib.placeOrder(put, LimitOrder("BUY", 1, 0.5))
    for _ in range(6):
        ib.placeOrder(put, LimitOrder("BUY", 1, 0.5))
    await settle(ib)
    # The broker allows twenty working orders per contract, side and account.
    assert 201 in ib.codes()
