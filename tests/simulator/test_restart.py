"""What a gateway remembers: restarts in this process, and kill -9 of a real one."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from ib_async import IB, LimitOrder, Stock

from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.ledger import Ledger
from infra.simulator.records import OrderStatus
from tests.simulator.conftest import TEN_O_CLOCK, Connect, place, quoted, settle, spy_put, until


async def _restarted(data_dir: Path, **options: object) -> SimulatedGateway:
    return SimulatedGateway(GatewayOptions(data_dir=data_dir, port=0, speed=0, **options))


async def test_a_restart_keeps_orders_executions_positions_and_time(
    tmp_path: Path, connect: Connect
):
    options = {"start": TEN_O_CLOCK, "seed": 11}
    async with await _restarted(tmp_path, **options) as gateway:
        ib = await connect(gateway, 4)
        put = await spy_put(ib)
        ticker = await quoted(ib, put)
        await place(ib, put, LimitOrder("SELL", 1, ticker.bid, orderRef="GL-filled"))
        await place(ib, put, LimitOrder("SELL", 2, 90, orderRef="GL-working"))
        gateway.clock.advance(timedelta(minutes=3))
        await settle(ib)
        before = {v.tag: v.value for v in ib.accountValues()}
        positions = {p.contract.conId: p.position for p in ib.positions()}
        time, spot = gateway.clock.now(), gateway.market.spot("SPY", gateway.clock.now())
        ib.disconnect()
    async with await _restarted(tmp_path, seed=99) as gateway:
        assert gateway.clock.now() == time
        assert gateway.market.spot("SPY", time) == spot
        ib = await connect(gateway, 4)
        assert {p.contract.conId: p.position for p in ib.positions()} == positions
        (working,) = ib.openTrades()
        assert (working.order.orderRef, working.orderStatus.status) == ("GL-working", "Submitted")
        assert [f.execution.orderRef for f in ib.fills()] == ["GL-filled"]
        after = {v.tag: v.value for v in ib.accountValues()}
        assert after["TotalCashValue"] == before["TotalCashValue"]
        # Ids go on where they were, and the order still works.
        assert ib.client.getReqId() > working.order.orderId
        new = await place(ib, put, LimitOrder("SELL", 1, 91))
        perm_ids = [order.perm_id for order in gateway.ledger.orders()]
        assert new.order.permId == max(perm_ids)
        assert len(set(perm_ids)) == 3
        ib.cancelOrder(working.order)
        await settle(ib)
        (order,) = gateway.ledger.orders("GL-working")
        assert order.status is OrderStatus.CANCELLED


async def test_a_working_order_fills_after_a_restart(tmp_path: Path, connect: Connect):
    async with await _restarted(tmp_path, start=TEN_O_CLOCK) as gateway:
        ib = await connect(gateway)
        put = await spy_put(ib)
        ticker = await quoted(ib, put)
        mid = round((ticker.bid + ticker.ask) / 2, 2)
        await place(ib, put, LimitOrder("SELL", 1, mid, orderRef="GL-later"))
        assert gateway.ledger.executions("GL-later") == []
    async with await _restarted(tmp_path) as gateway:
        gateway.clock.advance(timedelta(minutes=20))
        assert [e.quantity for e in gateway.ledger.executions("GL-later")] == [Decimal(1)]


async def test_a_restart_in_the_middle_of_a_close_finishes_it(tmp_path: Path, connect: Connect):
    async with await _restarted(tmp_path, start=TEN_O_CLOCK) as gateway:
        ib = await connect(gateway)
        await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90, orderRef="GL-day"))
    ledger = Ledger(tmp_path)
    ledger.put("clock", TEN_O_CLOCK.replace(hour=21).isoformat())
    ledger.close()
    async with await _restarted(tmp_path) as gateway:
        assert gateway.ledger.orders("GL-day")[0].status is OrderStatus.CANCELLED
        assert gateway.clock.now() == TEN_O_CLOCK.replace(day=24, hour=14, minute=25)


async def test_the_ledger_cannot_be_rewritten(tmp_path: Path, connect: Connect):
    async with await _restarted(tmp_path, start=TEN_O_CLOCK) as gateway:
        ib = await connect(gateway)
        await place(ib, await spy_put(ib), LimitOrder("SELL", 1, 90))
        with pytest.raises(Exception, match="append-only"):
            gateway.ledger._db.execute("UPDATE order_events SET status = 'Filled'")


class GatewayProcess:
    """``python -m infra.simulator`` as a child of the test."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self._arguments = ("--port", "0", "--data-dir", str(data_dir), *arguments)
        self.port = 0
        self.line = ""

    async def __aenter__(self) -> GatewayProcess:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "infra.simulator", *self._arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.line = (await asyncio.wait_for(self._process.stdout.readline(), 30)).decode()
        found = re.search(r":(\d+),", self.line)
        assert found, self.line
        self.port = int(found[1])
        return self

    async def kill(self, signum: int) -> int:
        os.kill(self._process.pid, signum)
        return await asyncio.wait_for(self._process.wait(), 10)

    async def __aexit__(self, *exception: object) -> None:
        if self._process.returncode is None:
            await self.kill(signal.SIGKILL)


async def test_a_killed_gateway_comes_back_with_all_it_had_accepted(tmp_path: Path):
    start = ("--start", "2026-11-23T10:00", "--speed", "5")
    async with GatewayProcess(tmp_path, *start) as process:
        assert "2026-11-23 10:00" in process.line
        ib = IB()
        await ib.connectAsync("127.0.0.1", process.port, clientId=1, raiseSyncErrors=True)
        put = await spy_put(ib)  # type: ignore[arg-type]
        resting = ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-killed"))
        await until(lambda: resting.orderStatus.status == "Submitted")
        stock = (await ib.qualifyContractsAsync(Stock("SPY", "SMART", "USD")))[0]
        ib.reqMktData(stock)
        seen = ib.ticker(stock)
        assert seen is not None
        await until(lambda: seen.bid > 0)
        first = seen.bid
        await until(lambda: seen.bid != first)
        assert await process.kill(signal.SIGKILL) == -signal.SIGKILL
        await until(lambda: not ib.isConnected())
    with_ledger = Ledger(tmp_path, read_only=True)
    assert [o.order_ref for o in with_ledger.orders()] == ["GL-killed"]
    with_ledger.close()
    async with GatewayProcess(tmp_path) as process:
        ib = IB()
        await ib.connectAsync("127.0.0.1", process.port, clientId=1, raiseSyncErrors=True)
        assert [t.order.orderRef for t in ib.openTrades()] == ["GL-killed"]
        ib.disconnect()
        assert await process.kill(signal.SIGTERM) == 0
