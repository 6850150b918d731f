"""Several API clients at one gateway: who sees, follows and ends whose orders."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ib_async import LimitOrder

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import (
    Connect,
    Recorder,
    place,
    quoted,
    settle,
    spy_put,
    until,
)


async def test_a_client_sees_its_own_open_orders_and_all_on_request(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90, orderRef="GL-mine"))
    other = await connect(gateway, 2)
    assert await other.reqOpenOrdersAsync() == []
    assert [t.order.orderRef for t in await other.reqAllOpenOrdersAsync()] == ["GL-mine"]
    assert other.client.getReqId() > ib.trades()[0].order.orderId


async def test_only_the_placing_client_can_cancel(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    trade = await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90))
    other = await connect(gateway, 2)
    other.client.cancelOrder(trade.order.orderId)
    await settle(other)
    assert other.codes()[-1] == 10147
    assert trade.orderStatus.status == "Submitted"


async def test_the_master_client_follows_every_order(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    put = await spy_put(ib)
    working = await place(ib, put, LimitOrder("SELL", 1, 90))
    master = await connect(gateway, 0)
    ib.cancelOrder(working.order)
    ticker = await quoted(ib, put)
    await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    await settle(master)
    assert sorted(t.orderStatus.status for t in master.trades()) == ["Cancelled", "Filled"]


async def test_a_global_cancel_ends_the_orders_of_every_client(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    put = await spy_put(ib)
    trade = await place(ib, put, LimitOrder("SELL", 1, 90))
    other = await connect(gateway, 2)
    other.reqGlobalCancel()
    await until(lambda: trade.orderStatus.status == "Cancelled")
    assert gateway.exchange.working_orders() == []


async def test_orders_fill_while_their_client_is_away_and_it_learns_on_return(
    gateway: SimulatedGateway, connect: Connect
):
    first = await connect(gateway, 5)
    put = await spy_put(first)
    ticker = await quoted(first, put)
    mid = round((ticker.bid + ticker.ask) / 2, 2)
    await place(first, put, LimitOrder("SELL", 1, mid, orderRef="GL-away"))
    first.disconnect()
    gateway.clock.advance(timedelta(minutes=20))
    back = await connect(gateway, 5)
    assert [f.execution.orderRef for f in back.fills()] == ["GL-away"]
    assert [t.orderStatus.status for t in back.trades()] == ["Filled"]
    assert put.conId in {p.contract.conId for p in back.positions()}


@pytest.mark.parametrize(("moment", "accepted"), [("before", 0), ("after", 1)])
async def test_a_connection_cut_around_a_placement_leaves_only_the_ledger_knowing(
    ib: Recorder, gateway: SimulatedGateway, moment: str, accepted: int
):
    put = await spy_put(ib)
    gateway.faults.drop_connection(moment, 3, nth=1)
    mark = len(ib.calls)
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-cut"))
    await until(lambda: not ib.isConnected())
    assert len(gateway.ledger.orders("GL-cut")) == accepted
    assert ib.names_since(mark) == []
