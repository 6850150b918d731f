"""Orders and cancels refused on demand, and what the API forgets."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ib_async import LimitOrder

from infra.simulator.app import SimulatedGateway
from infra.simulator.records import OrderStatus
from tests.simulator.conftest import Connect, Recorder, place, settle, spy_put


@pytest.mark.parametrize("code", [103, 110, 201, 321])
async def test_a_refusal_by_error_alone_leaves_no_order(
    gateway: SimulatedGateway, ib: Recorder, code: int
):
    put = await spy_put(ib)
    gateway.faults.reject_orders(code, shape="error")
    await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-refused"))
    assert ib.codes()[-1] == code
    assert gateway.ledger.orders("GL-refused") == []
    assert gateway.ledger.faults("reject_order")[0].detail == f"{code} for GL-refused"
    again = await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-next"))
    assert again.orderStatus.status == "Submitted"


@pytest.mark.parametrize(
    ("shape", "status"), [("inactive", OrderStatus.INACTIVE), ("cancelled", OrderStatus.CANCELLED)]
)
async def test_a_refusal_can_leave_an_order_on_record(
    gateway: SimulatedGateway, ib: Recorder, shape: str, status: OrderStatus
):
    put = await spy_put(ib)
    gateway.faults.reject_orders(201, "Order rejected - reason:No", shape, order_ref="GL-refused")
    mark = len(ib.calls)
    other = await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-other"))
    assert other.orderStatus.status == "Submitted"
    await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-refused"))
    told = [args[1] for name, args in ib.calls[mark:] if name == "orderStatus"]
    assert told[-1] == status.value
    assert ib.codes()[-1] == 201
    assert [o.status for o in gateway.ledger.orders("GL-refused")] == [status]
    assert gateway.ledger.executions("GL-refused") == []


async def test_the_first_orders_can_be_spared(gateway: SimulatedGateway, ib: Recorder):
    put = await spy_put(ib)
    gateway.faults.reject_orders(201, skip=1, times=1)
    trades = [await place(ib, put, LimitOrder("SELL", 1, 90, orderRef=f"GL-{n}")) for n in range(3)]
    assert [o.status.value for o in gateway.ledger.orders()] == [
        "Submitted", "Inactive", "Submitted",
    ]  # fmt: skip
    assert len(trades) == 3


async def test_a_preview_is_never_refused(gateway: SimulatedGateway, ib: Recorder):
    put = await spy_put(ib)
    gateway.faults.reject_orders(201, shape="error")
    preview = await ib.whatIfOrderAsync(put, LimitOrder("SELL", 1, 90))
    assert Decimal(str(preview.initMarginChange)) > 0


@pytest.mark.parametrize("code", [161, 10147, 10148])
async def test_a_refused_cancel_leaves_the_order_working(
    gateway: SimulatedGateway, ib: Recorder, code: int
):
    put = await spy_put(ib)
    trade = await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-1"))
    gateway.faults.reject_cancels(code)
    ib.cancelOrder(trade.order)
    await settle(ib)
    assert ib.codes()[-1] == code
    assert gateway.ledger.orders("GL-1")[0].status is OrderStatus.SUBMITTED
    ib.cancelOrder(trade.order)
    await settle(ib)
    assert gateway.ledger.orders("GL-1")[0].status is OrderStatus.CANCELLED


async def test_an_accepted_order_can_be_cancelled_by_the_exchange(
    gateway: SimulatedGateway, ib: Recorder
):
    put = await spy_put(ib)
    gateway.faults.cancel_accepted()
    trade = await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-1"))
    await settle(ib)
    assert [entry.status for entry in trade.log][-2:] == ["Submitted", "Cancelled"]
    assert [event.kind for event in gateway.ledger.events("GL-1")] == ["accepted", "status"]
    assert gateway.ledger.faults()[0].kind == "cancel_accepted"


async def test_a_restart_can_cost_the_memory_of_the_day_but_not_open_orders(
    start_gateway: Any, connect: Connect
):
    gateway = await start_gateway()
    ib = await connect(gateway)
    put = await spy_put(ib)  # type: ignore[arg-type]
    await place(ib, put, LimitOrder("BUY", 1, 90, orderRef="GL-done"))  # type: ignore[arg-type]
    await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="GL-open"))  # type: ignore[arg-type]
    gateway.faults.restart(keep_day=False)
    ib = await connect(gateway)
    assert await ib.reqExecutionsAsync() == []
    assert await ib.reqCompletedOrdersAsync(False) == []
    assert [t.order.orderRef for t in await ib.reqAllOpenOrdersAsync()] == ["GL-open"]
    assert len(gateway.ledger.executions("GL-done")) == 1
    await place(ib, put, LimitOrder("BUY", 1, 90, orderRef="GL-new"))  # type: ignore[arg-type]
    shown = [f.execution.orderRef for f in await ib.reqExecutionsAsync()]
    assert shown == ["GL-new"]
    ib.disconnect()
    again = await connect(await start_gateway())
    shown = [f.execution.orderRef for f in await again.reqExecutionsAsync()]
    assert shown == ["GL-new"]


async def test_a_restart_can_keep_the_memory_of_the_day(
    gateway: SimulatedGateway, ib: Recorder, connect: Connect
):
    await place(ib, await spy_put(ib), LimitOrder("BUY", 1, 90, orderRef="GL-done"))
    gateway.faults.restart()
    ib = await connect(gateway)  # type: ignore[assignment]
    assert len(await ib.reqExecutionsAsync()) == 1
