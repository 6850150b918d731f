"""What a person does in TWS, as API clients come to know of it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from ib_async import LimitOrder

from infra.simulator.app import SimulatedGateway
from infra.simulator.validation import OrderRejectedError
from tests.simulator.conftest import Connect, Recorder, place, settle, spy_put

AAPL = 10004


async def test_a_trade_by_hand_reaches_other_clients_as_a_position_and_an_execution_on_request(
    ib: Recorder, gateway: SimulatedGateway
):
    before = gateway.exchange.accounts["DU1000001"].cash
    mark = len(ib.calls)
    (execution,) = gateway.tws.trade(AAPL, "BUY", 10, "250.00")
    await settle(ib)
    assert ib.names_since(mark) == []
    assert {p.contract.conId: p.position for p in ib.positions()}[AAPL] == 210
    (fill,) = await ib.reqExecutionsAsync()
    assert (fill.execution.execId, fill.execution.price) == (execution.exec_id, 250.0)
    assert (fill.execution.clientId, fill.execution.orderId) == (0, 0)
    assert fill.execution.orderRef == ""
    assert gateway.exchange.accounts["DU1000001"].cash == before - 2500 - 1


async def test_an_order_entered_by_hand_works_and_is_seen_by_all_without_an_api_id(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    order = gateway.tws.order(put.conId, "SELL", 2, 90)
    assert await ib.reqOpenOrdersAsync() == []
    (seen,) = await ib.reqAllOpenOrdersAsync()
    assert (seen.order.permId, seen.order.orderId, seen.order.clientId) == (order.perm_id, 0, 0)
    ib.client.cancelOrder(0)
    await settle(ib)
    assert ib.codes()[-1] == 10147
    gateway.tws.cancel(order.perm_id)
    assert gateway.exchange.working_orders() == []


async def test_client_0_binds_orders_entered_by_hand_and_may_then_cancel_them(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    put = await spy_put(ib)
    earlier = gateway.tws.order(put.conId, "SELL", 2, 90)
    master = await connect(gateway, 0)
    later = gateway.tws.order(put.conId, "SELL", 1, 91)
    await settle(master)
    ids = {t.order.permId: t.order.orderId for t in master.openTrades()}
    assert set(ids) == {earlier.perm_id, later.perm_id}
    assert all(order_id < 0 for order_id in ids.values())
    for order_id in ids.values():
        master.client.cancelOrder(order_id)
    await settle(master)
    assert gateway.exchange.working_orders() == []


async def test_only_client_0_may_bind(ib: Recorder):
    ib.reqAutoOpenOrders(True)
    await settle(ib)
    assert ib.codes()[-1] == 327


async def test_a_person_edits_and_cancels_an_order_of_the_api(
    ib: Recorder, gateway: SimulatedGateway
):
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90, orderRef="GL-1"))
    amended = gateway.tws.amend(trade.order.permId, limit_price="80", quantity=3)
    await settle(ib)
    assert (amended.terms.limit_price, amended.terms.quantity) == (Decimal(80), 3)
    assert (trade.order.lmtPrice, trade.order.totalQuantity) == (80, 3)
    gateway.tws.cancel(trade.order.permId)
    await settle(ib)
    assert trade.orderStatus.status == "Cancelled"
    assert ib.errors[-1][:2] == (trade.order.orderId, 202)
    with pytest.raises(OrderRejectedError, match="161"):
        gateway.tws.cancel(trade.order.permId)


async def test_orders_by_hand_leave_the_api_order_ids_alone(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    gateway.tws.trade(put.conId, "SELL", 1, "2.00")
    gateway.tws.order(put.conId, "SELL", 2, 90)
    assert gateway.ledger.next_order_id() == 1
