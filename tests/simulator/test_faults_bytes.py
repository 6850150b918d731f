"""Faults below the messages: connections cut, dead, slow or chopped up, on the real wire."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import ib_async
import pytest
from ib_async import LimitOrder

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import Connect, Recorder, place, quoted, settle, spy_put, until

PLACE_ORDER, CURRENT_TIME = 3, 49


class RawClient:
    """A TWS client made of bytes, which sees what arrives and when."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *fields: object) -> bytes:
        data = framed(*fields)
        self.writer.write(data)
        return data

    async def frame(self) -> list[str]:
        (length,) = struct.unpack(">I", await self.reader.readexactly(4))
        return (await self.reader.readexactly(length)).decode().split("\0")[:-1]

    async def until_message(self, message_id: int) -> list[str]:
        async with asyncio.timeout(5):
            while (fields := await self.frame())[0] != str(message_id):
                pass
        return fields


def framed(*fields: object) -> bytes:
    payload = "".join(f"{field}\0" for field in fields).encode()
    return struct.pack(">I", len(payload)) + payload


@asynccontextmanager
async def raw_client(gateway: SimulatedGateway, client_id: int = 7) -> AsyncIterator[RawClient]:
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    client = RawClient(reader, writer)
    writer.write(b"API\0" + struct.pack(">I", 9) + b"v157..178")
    await client.frame()
    client.send(71, 2, client_id, "")
    while "2158" not in await client.until_message(4):
        pass
    try:
        yield client
    finally:
        writer.transport.abort()


def struck(gateway: SimulatedGateway) -> list[str]:
    return [fault.kind for fault in gateway.ledger.faults()]


# --- cuts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", [1, 3, 200])
async def test_an_order_that_has_not_arrived_whole_is_not_acted_on(
    gateway: SimulatedGateway, ib: Recorder, missing: int
):
    put = await spy_put(ib)
    sent: list[bytes] = []
    original = ib.client.conn.sendMsg

    def spy(data: bytes) -> None:
        sent.append(data)
        original(data)

    ib.client.conn.sendMsg = spy  # type: ignore[method-assign]
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-whole"))
    await settle(ib)
    # The same number of digits everywhere, hence the same number of bytes.
    size = len(sent[0])
    gateway.faults.cut_after_bytes("received", size - missing)
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-parts"))
    await until(lambda: not ib.isConnected())
    assert len(gateway.ledger.orders("GL-whole")) == 1
    assert gateway.ledger.orders("GL-parts") == []
    assert struck(gateway) == ["cut_after_bytes"]


async def test_an_order_that_has_arrived_whole_is_acted_on_before_the_cut(
    gateway: SimulatedGateway, ib: Recorder
):
    put = await spy_put(ib)
    gateway.faults.on_message(
        "after", PLACE_ORDER, 1, lambda: gateway.faults.cut_after_bytes("received", 0)
    )
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-whole"))
    await until(lambda: not ib.isConnected())
    assert len(gateway.ledger.orders("GL-whole")) == 1


@pytest.mark.parametrize("count", [0, 3, 4, 17])
async def test_an_answer_ends_at_the_very_byte(gateway: SimulatedGateway, count: int):
    async with raw_client(gateway) as client:
        whole = framed(49, 1)
        client.send(*[49, 1])
        answer = await client.until_message(49)
        gateway.faults.cut_after_bytes("sent", count)
        client.writer.write(whole)
        rest = await asyncio.wait_for(client.reader.read(), 5)
        assert rest == framed(*answer)[:count]
    assert struck(gateway) == ["cut_after_bytes"]


async def test_a_byte_limit_of_one_client_spares_the_others(gateway: SimulatedGateway):
    async with raw_client(gateway, 7) as spared, raw_client(gateway, 8) as cut:
        gateway.faults.cut_after_bytes("sent", 5, client_id=8)
        spared.send(49, 1)
        await spared.until_message(49)
        cut.send(49, 1)
        assert len(await asyncio.wait_for(cut.reader.read(), 5)) == 5


# --- half-open, restarts, greetings --------------------------------------------------------


async def test_a_half_open_connection_neither_acts_nor_answers_and_stays_open(
    gateway: SimulatedGateway, ib: Recorder, connect: Connect
):
    put = await spy_put(ib)
    gateway.faults.half_open()
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-void"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ib.reqCurrentTimeAsync(), 0.2)
    assert ib.isConnected()
    other = await connect(gateway, 2)
    await settle(other)  # type: ignore[arg-type]
    assert gateway.ledger.orders("GL-void") == []
    ib.disconnect()
    await connect(gateway, 1)


async def test_a_connection_dead_towards_the_client_still_acts_on_what_it_hears(
    gateway: SimulatedGateway, ib: Recorder
):
    put = await spy_put(ib)
    gateway.faults.half_open("sent")
    trade = ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-heard"))
    await until(lambda: gateway.ledger.orders("GL-heard"))
    assert trade.orderStatus.status == "PendingSubmit"


async def test_a_connection_dead_towards_the_gateway_still_tells(
    gateway: SimulatedGateway, ib: Recorder
):
    await quoted(ib, await spy_put(ib))
    gateway.faults.half_open("received")
    gateway.faults.farm_notice(2103)
    await until(lambda: 2103 in ib.codes())


async def test_a_client_id_stays_in_use_as_long_as_the_gateway_has_not_noticed(
    gateway: SimulatedGateway, ib: Recorder
):
    gateway.faults.half_open(linger_seconds=0.3)
    ib.disconnect()
    again = Recorder()
    with pytest.raises((TimeoutError, ConnectionError)):
        await again.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.2)
    assert 326 in again.codes()
    await until(lambda: 1 not in gateway._server._gateway.sessions)
    async with raw_client(gateway, 1):
        pass


async def test_a_restart_drops_everyone_and_refuses_for_a_while(
    gateway: SimulatedGateway, ib: Recorder, connect: Connect
):
    gateway.faults.drop_everyone(refuse_seconds=0.2)
    await until(lambda: not ib.isConnected())
    reader, _ = await asyncio.open_connection("127.0.0.1", gateway.port)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await until(lambda: not gateway.faults.refusing)
    await connect(gateway)


async def test_a_slow_gateway_answers_the_greeting_late(
    gateway: SimulatedGateway, connect: Connect
):
    gateway.faults.slow_accept(0.3)
    began = time.monotonic()
    await connect(gateway)
    assert time.monotonic() - began >= 0.3


async def test_a_free_client_id_can_be_called_in_use(gateway: SimulatedGateway, connect: Connect):
    gateway.faults.refuse_client_id()
    unlucky = Recorder()
    with pytest.raises((TimeoutError, ConnectionError)):
        await unlucky.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.5)
    assert unlucky.codes() == [326]
    await connect(gateway, 1)


async def test_a_reset_of_the_socket_port_is_told_before_the_connection_closes(
    gateway: SimulatedGateway, ib: Recorder
):
    gateway.faults.reset_socket_port(4003)
    await until(lambda: not ib.isConnected())
    assert 1300 in ib.codes()


# --- the pace of bytes ---------------------------------------------------------------------


async def test_delayed_messages_keep_their_order(gateway: SimulatedGateway, ib: Recorder):
    put = await spy_put(ib)
    gateway.faults.delay(0.02, jitter=0.05)
    mark = len(ib.calls)
    began = time.monotonic()
    await place(ib, put, LimitOrder("BUY", 1, 90))
    assert time.monotonic() - began >= 0.04
    first_fill = ["openOrder", "orderStatus", "execDetails", "openOrder", "orderStatus"]
    assert ib.names_since(mark)[:6] == [*first_fill, "commissionReport"]


async def test_a_received_message_can_be_acted_on_late(gateway: SimulatedGateway, ib: Recorder):
    put = await spy_put(ib)
    gateway.faults.delay(0.2, message_ids=[PLACE_ORDER], direction="received")
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-late"))
    await asyncio.sleep(0.05)
    assert gateway.ledger.orders("GL-late") == []
    await settle(ib)
    assert len(gateway.ledger.orders("GL-late")) == 1


async def test_late_messages_travel_side_by_side(gateway: SimulatedGateway):
    """A slow line has a latency; it does not carry fewer messages."""
    async with raw_client(gateway) as client:
        gateway.faults.delay(0.3, direction="received")
        began = time.monotonic()
        for _ in range(20):
            client.send(CURRENT_TIME, 1)
        for _ in range(20):
            await client.until_message(CURRENT_TIME)
        assert 0.3 <= time.monotonic() - began < 3


async def test_what_was_under_way_when_a_client_hung_up_still_arrives(
    gateway: SimulatedGateway, connect: Connect
):
    ib: ib_async.IB = await connect(gateway)
    put = await spy_put(ib)  # type: ignore[arg-type]
    gateway.faults.delay(0.3, message_ids=[PLACE_ORDER], direction="received")
    ib.placeOrder(put, LimitOrder("SELL", 1, 90, orderRef="GL-late"))
    await asyncio.sleep(0.05)
    ib.disconnect()
    assert gateway.ledger.orders("GL-late") == []
    await until(lambda: len(gateway.ledger.orders("GL-late")) == 1)


@pytest.mark.parametrize("chop", [lambda f: f.slice_frames(5), lambda f: f.coalesce(0.05)])
async def test_a_client_understands_frames_in_any_pieces(
    gateway: SimulatedGateway, connect: Connect, chop: Callable[[object], None]
):
    chop(gateway.faults)
    ib: ib_async.IB = await connect(gateway)
    put = await spy_put(ib)  # type: ignore[arg-type]
    trade = await place(ib, put, LimitOrder("BUY", 1, 90))  # type: ignore[arg-type]
    assert trade.orderStatus.status == "Filled"
    assert set(struck(gateway)) < {"slice", "coalesce"}


async def test_slicing_reaches_the_socket_in_parts(gateway: SimulatedGateway):
    async with raw_client(gateway) as client:
        gateway.faults.slice_frames(3)
        client.send(49, 1)
        first = await asyncio.wait_for(client.reader.read(1000), 5)
        assert len(first) < len(framed(49, 1, 1_700_000_000))


async def test_clearing_ends_every_fault(gateway: SimulatedGateway, ib: Recorder):
    gateway.faults.delay(5)
    gateway.faults.hold_callbacks()
    gateway.faults.cut_after_bytes("received", 10_000)
    gateway.faults.drop_connection("before", CURRENT_TIME)
    gateway.faults.lose_connectivity()
    gateway.faults.clear()
    await settle(ib)
    await until(lambda: 1102 in ib.codes())


async def test_the_record_of_faults_cannot_be_rewritten(gateway: SimulatedGateway, tmp_path: Path):
    gateway.faults.farm_notice(2103)
    with pytest.raises(Exception, match="append-only"):
        gateway.ledger._db.execute("DELETE FROM faults")
