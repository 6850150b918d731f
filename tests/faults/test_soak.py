"""A simulated day of work: memory stays flat in the gateway and in the worker that talks to it.

Programs connect, read everything, stream, trade and leave, again and again; the desk's own broker
worker loses its connection every few market minutes. What a process needs after a warm-up it may
keep, and no more.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import ib_async
import psutil
import pytest

from infra.embedded.ports import any_free_port
from tests.desk import Desk, running_desk, wait_until

SPEED = 200
MARKET_HOURS = float(os.environ.get("GREENLIGHT_SOAK_HOURS", "24"))
SECONDS = MARKET_HOURS * 3600 / SPEED
CLIENTS, LINES = 3, 30
SESSION_SECONDS = 12.0
"""Forty market minutes: so long does a client stay."""
CUT_EVERY_SECONDS = 20.0
GROWTH = 1.05
REPORT = Path(__file__).parents[1] / "output" / "soak.json"
PROCESSES = ("gateway", "broker worker")

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]


@dataclass
class Counts:
    connections: int = 0
    orders: int = 0
    fills: int = 0
    failures: list[str] = field(default_factory=list)


@dataclass
class Proxy:
    port: int
    accepted: int = 0
    cuts: int = 0


def test_memory_is_flat_over_a_simulated_day():
    with running_desk("--speed", str(SPEED), "--seed", "7") as desk:
        port = psutil.Process(desk.pid("gateway")).net_connections("tcp")[0].laddr.port
        with _cutting_proxy(port) as proxy:
            _route_worker_through(desk, proxy)
            samples: list[dict[str, float]] = []
            counts = Counts()
            with _sampled(desk, samples):
                asyncio.run(_trade_until_the_end(port, counts))
            result = _summary(samples, counts, proxy.cuts)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(json.dumps({"summary": result, "samples": samples}, indent=1), "utf-8")
    print(json.dumps(result, indent=1))  # noqa: T201 (figures for docs/reliability.md)
    assert counts.failures == []
    for name in PROCESSES:
        assert result[name]["last MB"] <= GROWTH * result[name]["warm MB"], name


def _summary(samples: list[dict[str, float]], counts: Counts, cuts: int) -> dict[str, Any]:
    """Mean memory of the second and of the last quarter, and what was done meanwhile."""
    quarter = len(samples) // 4
    result: dict[str, Any] = {
        "market hours": MARKET_HOURS,
        "speed": SPEED,
        "connections": counts.connections,
        "cuts of the worker": cuts,
        "orders": counts.orders,
        "fills": counts.fills,
    }
    for name in PROCESSES:
        memory = [sample[name] for sample in samples]
        result[name] = {
            "first MB": round(memory[0], 1),
            "warm MB": round(mean(memory[quarter : 2 * quarter]), 1),
            "last MB": round(mean(memory[-quarter:]), 1),
            "peak MB": round(max(memory), 1),
            "CPU s": round(samples[-1][f"{name} CPU"] - samples[0][f"{name} CPU"], 1),
        }
    return result


@contextmanager
def _sampled(desk: Desk, samples: list[dict[str, float]]) -> Iterator[None]:
    """Memory and CPU of both processes, every few seconds, on a thread of its own."""
    done = threading.Event()

    def sample() -> None:
        while not done.wait(SECONDS / 100):
            row = {"at": time.monotonic()}
            for name in PROCESSES:
                process = psutil.Process(desk.pid(name))
                row[name] = process.memory_info().rss / 2**20
                row[f"{name} CPU"] = sum(process.cpu_times()[:2])
            samples.append(row)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


async def _trade_until_the_end(port: int, counts: Counts) -> None:
    deadline = time.monotonic() + SECONDS
    clients = (_come_and_go(port, number, deadline, counts) for number in range(CLIENTS))
    await asyncio.gather(*clients)


async def _come_and_go(port: int, number: int, deadline: float, counts: Counts) -> None:
    rng = random.Random(number)
    while time.monotonic() < deadline:
        ib = ib_async.IB()
        try:
            await ib.connectAsync("127.0.0.1", port, clientId=50 + number, timeout=30)
            counts.connections += 1
            ib.execDetailsEvent += lambda *_: setattr(counts, "fills", counts.fills + 1)
            await _session(ib, rng, min(deadline, time.monotonic() + SESSION_SECONDS), counts)
        except (ConnectionError, TimeoutError) as error:
            counts.failures.append(repr(error))
        finally:
            ib.disconnect()


async def _session(ib: ib_async.IB, rng: random.Random, until: float, counts: Counts) -> None:
    """Stream a chain, trade one of its options to and fro, read everything back."""
    (spy,) = await ib.qualifyContractsAsync(ib_async.Stock("SPY", "SMART", "USD"))
    assert isinstance(spy, ib_async.Contract)
    (chain,) = [
        c
        for c in await ib.reqSecDefOptParamsAsync("SPY", "", "STK", spy.conId)
        if c.exchange == "SMART" and c.tradingClass == "SPY"
    ]
    expiry = rng.choice(chain.expirations[3:10])
    details = await ib.reqContractDetailsAsync(
        ib_async.Option("SPY", expiry, right="P", exchange="SMART")
    )
    contracts = [d.contract for d in details if d.contract]
    contracts = contracts[len(contracts) // 2 - LINES // 2 :][:LINES]
    for contract in contracts:
        ib.reqMktData(contract, "100,101")
    account = ib.managedAccounts()[0]
    ib.reqPnL(account)
    while time.monotonic() < until:
        contract = rng.choice(contracts)
        far = ib.placeOrder(contract, ib_async.LimitOrder("SELL", 1, 99.0))
        for side in ("SELL", "BUY"):
            ib.placeOrder(contract, ib_async.MarketOrder(side, 1))
        counts.orders += 3
        await asyncio.sleep(0.5)
        if not far.isDone():
            ib.cancelOrder(far.order)
        await asyncio.wait_for(ib.reqExecutionsAsync(), 60)
        await asyncio.wait_for(ib.reqCompletedOrdersAsync(False), 60)
        await asyncio.wait_for(ib.reqAllOpenOrdersAsync(), 60)


@contextmanager
def _cutting_proxy(gateway_port: int) -> Iterator[Proxy]:
    """Passes bytes on to the gateway, and drops every connection now and then."""
    proxy, done = Proxy(any_free_port()), threading.Event()

    async def serve() -> None:
        writers: set[asyncio.StreamWriter] = set()

        async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while data := await reader.read(1 << 16):
                    writer.write(data)
                    await writer.drain()
            except ConnectionError:
                pass
            finally:
                writer.close()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            behind = await asyncio.open_connection("127.0.0.1", gateway_port)
            proxy.accepted += 1
            pair = {writer, behind[1]}
            writers.update(pair)
            await asyncio.gather(pass_on(reader, behind[1]), pass_on(behind[0], writer))
            writers.difference_update(pair)

        async with await asyncio.start_server(accept, "127.0.0.1", proxy.port):
            cut_at = time.monotonic() + CUT_EVERY_SECONDS
            while not done.is_set():
                await asyncio.sleep(0.2)
                if time.monotonic() >= cut_at:
                    cut_at += CUT_EVERY_SECONDS
                    proxy.cuts += bool(writers)
                    for writer in list(writers):
                        writer.transport.abort()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield proxy
    finally:
        done.set()
        thread.join()


def _route_worker_through(desk: Desk, proxy: Proxy) -> None:
    """The worker finds its gateway's address in the database when it starts."""
    with desk.connection() as connection:
        connection.execute("UPDATE gateways SET port = %s", (proxy.port,))
    desk.kill("broker worker")
    wait_until(lambda: proxy.accepted, 60, "the worker is connected through the proxy")
