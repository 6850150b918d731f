"""A gateway with a hand-moved clock, and real ib_async clients that must decode all it says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ib_async
import pytest

from infra.simulator.app import GatewayOptions, SimulatedGateway

TEN_O_CLOCK = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""A Monday, 10:00 in New York."""

StartGateway = Callable[..., Awaitable[SimulatedGateway]]
Connect = Callable[..., Awaitable[ib_async.IB]]


class Recorder(ib_async.IB):
    """An unmodified client that also remembers which callbacks arrived, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.errors: list[tuple[int, int, str]] = []
        self.errorEvent += lambda rid, code, text, _: self.errors.append((rid, code, text))
        decoder = self.client.decoder
        for name in ("openOrder", "orderStatus", "execDetails", "commissionReport", "error"):
            self._spy(decoder.wrapper, name)

    def _spy(self, wrapper: Any, name: str) -> None:
        original = getattr(wrapper, name)

        def record(*args: Any) -> Any:
            self.calls.append((name, args))
            return original(*args)

        setattr(wrapper, name, record)

    def names_since(self, mark: int) -> list[str]:
        return [name for name, _ in self.calls[mark:]]

    def codes(self) -> list[int]:
        return [code for _, code, _ in self.errors]


class _ClientErrors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        # The client logs every TWS error message at this level: those are data, not defects.
        if record.name == "ib_async.wrapper" and message.startswith(("Error ", "Warning ")):
            return
        self.records.append(f"{record.name}: {message}")


@pytest.fixture(autouse=True)
def client_decodes_everything() -> Iterator[None]:
    """ib_async only logs what it cannot decode or place; here that fails the test."""
    handler = _ClientErrors()
    loggers = [logging.getLogger(n) for n in ("ib_async.Decoder", "ib_async.wrapper", "asyncio")]
    for logger in loggers:
        logger.addHandler(handler)
    yield
    for logger in loggers:
        logger.removeHandler(handler)
    assert handler.records == []


@pytest.fixture
async def start_gateway(tmp_path: Path) -> AsyncIterator[StartGateway]:
    """Starts gateways; the same data directory unless told otherwise, time standing still."""
    async with AsyncExitStack() as stack:

        async def start(**options: Any) -> SimulatedGateway:
            defaults = {"data_dir": tmp_path, "port": 0, "speed": 0, "start": TEN_O_CLOCK}
            gateway = SimulatedGateway(GatewayOptions(**{**defaults, **options}))
            return await stack.enter_async_context(gateway)

        yield start


@pytest.fixture
async def gateway(start_gateway: StartGateway) -> SimulatedGateway:
    return await start_gateway(messages_per_second=0)


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Awaitable[Recorder]]]:
    clients: list[Recorder] = []

    async def open_client(gateway: SimulatedGateway, client_id: int = 1) -> Recorder:
        client = Recorder()
        client.client.MaxRequests = 0
        clients.append(client)
        await client.connectAsync(
            "127.0.0.1", gateway.port, clientId=client_id, timeout=5, raiseSyncErrors=True
        )
        return client

    yield open_client
    for client in clients:
        client.disconnect()


@pytest.fixture
async def ib(gateway: SimulatedGateway, connect: Callable[..., Awaitable[Recorder]]) -> Recorder:
    return await connect(gateway)


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    """Wait for a condition to hold; fails the test when it does not."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (the client offers no event for these)
            await asyncio.sleep(0.002)


async def settle(ib: ib_async.IB) -> None:
    """Everything the gateway has sent so far has arrived (answers keep their order)."""
    await ib.reqCurrentTimeAsync()


async def spy_put(
    ib: ib_async.IB, strike: float = 640, expiry: str = "20261218"
) -> ib_async.Contract:
    return await qualified(ib, ib_async.Option("SPY", expiry, strike, "P", "SMART"))


async def qualified(ib: ib_async.IB, contract: ib_async.Contract) -> ib_async.Contract:
    found = await ib.qualifyContractsAsync(contract)
    assert found[0] is not None, f"not found: {contract}"
    return found[0]


async def quoted(ib: ib_async.IB, contract: ib_async.Contract) -> ib_async.Ticker:
    """A live ticker that has shown its market."""
    ticker = ib.reqMktData(contract)
    await settle(ib)
    return ticker


async def place(
    ib: ib_async.IB, contract: ib_async.Contract, order: ib_async.Order
) -> ib_async.Trade:
    trade = ib.placeOrder(contract, order)
    await settle(ib)
    return trade


async def run_until_done(
    gateway: SimulatedGateway, ib: Recorder, trade: ib_async.Trade, limit: int = 600
) -> int:
    """Move market time second by second until the trade is done; how many that took."""
    for second in range(1, limit + 1):
        gateway.clock.advance(timedelta(seconds=1))
        await settle(ib)
        if trade.isDone():
            return second
    raise AssertionError(f"not done after {limit} market seconds: {trade.orderStatus}")
