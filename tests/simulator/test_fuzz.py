"""Whatever bytes a client sends, it gets an error or an answer, and nobody else notices."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.delivery import MAX_BACKLOG_BYTES
from infra.simulator.requests import HANDLERS
from infra.simulator.wire import MAX_FRAME_BYTES
from tests.simulator.conftest import TEN_O_CLOCK
from tests.simulator.wire_client import WireClient, frame, hello

PUT = ("0", "SPY", "OPT", "20261218", "640", "P", "100", "SMART", "", "USD", "", "")
ORDER = (
    *("1", *PUT, "", "", "SELL", "1", "LMT", "5", "", "DAY", "", "DU1000001", "", "0", "ref", "1"),
    *("0", "0", "0", "0", "0", "0", "0", "", "0", "", "", "", "", "", "", "0", "", "-1", "0", ""),
    *("", "0", "", "", "0", "0", "", "0", "", "", "", "", "", "0", "", "", "", "", "0", "", "", ""),
    *("", "", "", "", "", "", "", "0", "", "", "0", "0", "", "", "0", "", "0", "0", "0", "0", ""),
    *("", "", "", "", "", "0", "", "", "", "", "", "", "", "", "0", "0", "0", "", "", "", "0", ""),
)
WELL_FORMED: dict[int, tuple[str, ...]] = {
    1: ("11", "7", *PUT, "0", "100", "0", "0", ""),
    3: ORDER,
    4: ("1", "1", ""),
    7: ("3", "7", "0", "", "", "", "", "", ""),
    9: ("8", "7", *PUT, "0", "", "", ""),
    20: ("7", *PUT, "0", "", "1 day", "5 D", "1", "TRADES", "1", "0", ""),
    50: ("3", "7", *PUT, "5", "TRADES", "1", ""),
    54: ("3", "7", *PUT, "5", "660", "0", ""),
    62: ("1", "7", "All", "NetLiquidation"),
    78: ("7", "SPY", "", "STK", "10001"),
    87: ("7", *PUT, "0", "1", "TRADES", "1"),
    88: ("7", *PUT, "0", "1", "3 days"),
    94: ("7", "DU1000001", "", "10004"),
    96: ("7", *PUT, "0", "20261120 10:00:00", "", "10", "TRADES", "1", "0", ""),
    97: ("7", *PUT, "BidAsk", "0", "0"),
}
"""Requests to start from; every other one is sent with a version, an id and empty fields."""
REQUESTS = tuple(key for key in HANDLERS if key != 49)
POISON = st.sampled_from(
    [
        *("", "nan", "inf", "-inf", "Infinity", "1e400", "-1e400", "-1", "2147483648", "9" * 30),
        *(
            "9" * 5000,
            "1E+999999",
            "0x10",
            "½",
            "٣",
            "\x01",
            "\u2028",
            "'; DROP TABLE orders",
            "🙂",
        ),
        *("1 D", "999999999 Y", "20261399 99:99:99", "20261120 10:00:00 Mars/Olympus", "BAG"),
        *("-2147483649", "1.7976931348623157E308", "true", "None", "a" * 1000),
    ]
)


@st.composite
def mutated_requests(draw: st.DrawFn) -> tuple[str, ...]:
    """A request with some fields poisoned, removed, repeated or cut off."""
    message_id = draw(st.sampled_from(REQUESTS))
    fields = list(WELL_FORMED.get(message_id, ("1", "7", *[""] * 12)))
    for _ in range(draw(st.integers(0, 3))):
        position = draw(st.integers(0, len(fields) - 1)) if fields else 0
        match draw(st.sampled_from(["poison", "remove", "repeat", "cut"])):
            case "poison" if fields:
                fields[position] = draw(POISON)
            case "remove" if fields:
                del fields[position]
            case "repeat" if fields:
                fields.insert(position, fields[position])
            case "cut":
                del fields[position:]
    return (str(message_id), *fields)


def _gateway(directory: Path) -> SimulatedGateway:
    options = GatewayOptions(
        data_dir=directory, port=0, speed=0, start=TEN_O_CLOCK, messages_per_second=0
    )
    return SimulatedGateway(options)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(requests=st.lists(mutated_requests(), min_size=1, max_size=25))
def test_mutated_requests_never_hang_or_break_the_gateway(
    tmp_path_factory: pytest.TempPathFactory,
    caplog: pytest.LogCaptureFixture,
    requests: list[tuple[str, ...]],
):
    caplog.clear()

    async def send_all() -> None:
        async with _gateway(tmp_path_factory.mktemp("fuzz")) as gateway:
            bystander = await WireClient.connect(gateway.port, client_id=2)
            client = await WireClient.connect(gateway.port, client_id=1)
            for request in requests:
                client.send(*request)
            assert await client.settle(), "the connection survives"
            assert await bystander.settle()
            for one in (client, bystander):
                one.close()

    asyncio.run(send_all())
    unexpected = [r.getMessage() for r in caplog.records if r.name.startswith("infra.simulator")]
    assert [text for text in unexpected if "failed" in text] == []


def _oversized() -> bytes:
    return struct.pack(">I", MAX_FRAME_BYTES + 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("an impossible length", b"\xff\xff\xff\xff"),
        ("a length beyond the limit", _oversized()),
    ],
)
async def test_a_frame_too_long_is_refused_before_it_is_read(
    gateway: SimulatedGateway, name: str, data: bytes
):
    bystander = await WireClient.connect(gateway.port, client_id=2)
    client = await WireClient.connect(gateway.port)
    client.write(data)
    assert await client.read() == ["4", "2", "-1", "507", "Bad message length", ""], name
    assert await client.read() is None
    assert await bystander.settle()
    bystander.close()


async def test_a_frame_cut_short_is_never_acted_on(gateway: SimulatedGateway):
    client = await WireClient.connect(gateway.port)
    client.write(frame("3", *ORDER)[:-20])
    client.close()
    other = await WireClient.connect(gateway.port, client_id=2)
    assert await other.settle()
    assert gateway.ledger.orders() == []
    other.close()


async def test_bytes_that_are_no_text_are_answered(gateway: SimulatedGateway):
    client = await WireClient.connect(gateway.port)
    payload = b"81\x007\x00\xff\xfe\xc3(\x00"
    client.write(struct.pack(">I", len(payload)) + payload)
    assert await client.settle()
    assert [fields[:3] for fields in client.frames[79]] == [["79", "7", "0"]]
    client.close()


async def test_a_client_that_never_reads_fills_no_memory_and_stops_nobody(
    gateway: SimulatedGateway,
):
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=1 << 16)
    writer.write(hello(178) + frame(71, 2, 1, ""))
    every_spx_put = frame(9, 8, 7, 0, "SPX", "OPT", "", 0, "P", *[""] * 7, 0, "", "", "")
    writer.write(every_spx_put * 4)
    steady = await WireClient.connect(gateway.port, client_id=2)
    for _ in range(20):
        assert await steady.settle()
    backlog = [c.writer.transport.get_write_buffer_size() for c in gateway.faults.connections]
    assert max(backlog) < MAX_BACKLOG_BYTES
    assert not reader.at_eof()
    writer.close()
    steady.close()
