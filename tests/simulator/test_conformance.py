"""Every message of every server version has the fields its readers expect, no more and no less."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from types import ModuleType
from unittest.mock import MagicMock

import ib_async
import ib_insync
import pytest
from ibapi.decoder import Decoder as OfficialDecoder

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import StartGateway
from tests.simulator.wire_client import Frame, WireClient

VERSIONS = (157, 158, 160, 162, 163, 164, 166, 169, 170, 174, 176, 177, 178)
"""Those that changed a layout, from the least that clients of the last years speak."""
EXPIRY = "20261218"
PUT = (0, "SPY", "OPT", EXPIRY, 640, "P", 100, "SMART", "", "USD", "", "")
SPY = (0, "SPY", "STK", "", 0, "", "", "SMART", "", "USD", "", "")

Count = dict[int, int] | Callable[[Frame], int]


def _counted(position: int, fixed: int, each: int) -> Callable[[Frame], int]:
    """A list of ``each`` fields per entry behind its length at ``position``."""
    return lambda fields: fixed + each * int(fields[position])


def _chain(fields: Frame) -> int:
    expiries = int(fields[6])
    return 8 + expiries + int(fields[7 + expiries])


FIELDS: dict[int, tuple[str, Count]] = {
    1: ("price tick", {157: 7}),
    2: ("size tick", {157: 5}),
    3: ("order status", {157: 12}),
    4: ("error", {157: 5, 166: 6}),
    5: ("open order", {157: 120, 158: 121, 160: 122, 162: 123, 170: 128, 177: 127}),
    6: ("account value", {157: 6}),
    7: ("portfolio value", {157: 20}),
    8: ("account time", {157: 3}),
    9: ("next valid id", {157: 3}),
    10: ("contract details", {157: 39, 163: 40}),
    11: ("execution", {157: 31, 178: 32}),
    15: ("managed accounts", {157: 3}),
    17: ("bars", _counted(4, 5, 8)),
    19: ("scanner parameters", {157: 3}),
    20: ("scanner data", {157: 4}),
    21: ("option computation", {157: 12}),
    45: ("generic tick", {157: 5}),
    46: ("string tick", {157: 5}),
    49: ("current time", {157: 3}),
    50: ("five-second bar", {157: 11}),
    52: ("contract details end", {157: 3}),
    53: ("open orders end", {157: 2}),
    54: ("account download end", {157: 3}),
    55: ("executions end", {157: 3}),
    57: ("snapshot end", {157: 3}),
    58: ("market data type", {157: 4}),
    59: ("commission", {157: 8}),
    61: ("position", {157: 16}),
    62: ("positions end", {157: 2}),
    63: ("account summary", {157: 7}),
    64: ("account summary end", {157: 3}),
    67: ("display groups", {157: 4}),
    68: ("display group", {157: 4}),
    71: ("position of many", {157: 18}),
    72: ("positions of many end", {157: 3}),
    73: ("account value of many", {157: 8}),
    74: ("account values of many end", {157: 3}),
    75: ("chain", _chain),
    76: ("chain end", {157: 2}),
    77: ("soft dollar tiers", {157: 3}),
    78: ("family codes", _counted(1, 2, 2)),
    79: ("symbols", {157: 10, 176: 12}),
    80: ("depth exchanges", {157: 2}),
    81: ("tick parameters", {157: 5}),
    82: ("smart components", _counted(2, 3, 3)),
    85: ("news providers", {157: 2}),
    88: ("head timestamp", {157: 3}),
    89: ("histogram", _counted(2, 3, 2)),
    90: ("updated bar", {157: 10}),
    93: ("market rule", _counted(2, 3, 2)),
    94: ("profit", {157: 5}),
    95: ("profit of one", {157: 7}),
    96: ("midpoint ticks", _counted(2, 4, 4)),
    97: ("bid and ask ticks", _counted(2, 4, 6)),
    98: ("trade ticks", _counted(2, 4, 6)),
    99: ("tick by tick", lambda fields: {"1": 9, "3": 9, "4": 5}[fields[2]]),
    101: ("completed order", {157: 92, 170: 97, 177: 96}),
    102: ("completed orders end", {157: 1}),
    106: ("schedule", _counted(5, 6, 3)),
    107: ("user info", {157: 3}),
}
"""Fields of each message, its id included: since which version, or as the message itself says."""


def expected(message_id: int, version: int, fields: Frame) -> int:
    count = FIELDS[message_id][1]
    if callable(count):
        return count(fields)
    return count[max(since for since in count if since <= version)]


async def everything_said(gateway: SimulatedGateway, version: int) -> WireClient:
    """A client that has asked for everything once and traded."""
    client = await WireClient.connect(gateway.port, version=version)
    assert client.version == version
    for request in _REQUESTS:
        client.send(*request)
    _order(client, 1, "LMT", "0.05")
    _order(client, 2, "LMT", "90")
    _order(client, 3, "LMT", "5", what_if=True)
    await client.settle()
    await client.collect_at_least(17, 2)
    gateway.clock.advance(timedelta(minutes=6))
    client.send(4, 1, 2, "")
    await client.settle()
    for request in ((5, 1), (16, 1), (99, 0), (7, 3, 51, 0, "", "", "", "", "", "")):
        client.send(*request)
    for wanted in (102, 55, 96, 97, 98):
        await client.collect_at_least(wanted, 1)
    return client


_REQUESTS: tuple[tuple[object, ...], ...] = (
    (6, 2, 1, ""),
    (8, 1, 1),
    (9, 8, 1, *PUT, 0, "", "", ""),
    (17, 1),
    (24, 1),
    (61, 1),
    (62, 1, 2, "All", "NetLiquidation,$LEDGER"),
    (67, 1, 3),
    (68, 1, 4, 1),
    (74, 1, 5, "DU1000001", ""),
    (76, 1, 6, "DU1000001", "", 0),
    (78, 7, "SPY", "", "STK", 10001),
    (79, 8),
    (80,),
    (81, 9, "AAPL"),
    (82,),
    (83, 10, "9c0001"),
    (85,),
    (88, 11, *SPY, 0, 1, "2 days"),
    (91, 26),
    (92, 12, "DU1000001", ""),
    (94, 13, "DU1000001", "", 10004),
    (104, 14),
    (1, 11, 20, *PUT, 0, "100,101", 0, 0, ""),
    (1, 11, 21, *SPY, 0, "104,106,165,233,236", 0, 0, ""),
    (1, 11, 22, *SPY, 0, "", 1, 0, ""),
    (20, 23, *SPY, 0, "", "5 mins", "1 D", 1, "TRADES", 1, 1, ""),
    (20, 24, *PUT, 0, "", "1 day", "5 D", 1, "BID_ASK", 1, 0, ""),
    (20, 25, *SPY, 0, "", "1 day", "1 W", 1, "SCHEDULE", 1, 0, ""),
    (87, 26, *SPY, 0, 1, "TRADES", 1),
    (22, 27, 10, "STK", "STK.US", "TOP_PERC_GAIN", *[""] * 18),
    (50, 3, 28, *SPY, 5, "TRADES", 1, ""),
    (96, 29, *SPY, 0, "20261120 10:00:00", "", 5, "MIDPOINT", 1, 0, ""),
    (96, 30, *SPY, 0, "20261120 10:00:00", "", 5, "BID_ASK", 1, 0, ""),
    (96, 31, *SPY, 0, "20261120 10:00:00", "", 5, "TRADES", 1, 0, ""),
    (97, 32, *SPY, "BidAsk", 0, 0),
    (97, 33, *SPY, "Last", 0, 0),
    (97, 34, *SPY, "MidPoint", 0, 0),
    (9999, 1),
)


def _order(client: WireClient, order_id: int, kind: str, price: str, *, what_if: bool = False):
    """Sent through ib_async's own writer, which knows the layout of every version."""
    writer = ib_async.client.Client(MagicMock())
    writer._serverVersion = client.version
    writer.connState = writer.CONNECTED
    sent: list[str] = []
    writer.sendMsg = sent.append  # type: ignore[method-assign]
    contract = ib_async.Option("SPY", EXPIRY, 640, "P", "SMART")
    order = ib_async.Order(action="SELL", totalQuantity=1, orderType=kind, lmtPrice=float(price))
    order.whatIf = what_if
    writer.placeOrder(order_id, contract, order)
    client.send(*sent[0].split("\0")[:-1])


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_message_has_exactly_the_fields_that_its_readers_expect(
    gateway: SimulatedGateway, decode_errors: list[str], version: int
):
    client = await everything_said(gateway, version)
    assert {name for key, (name, _) in FIELDS.items() if key not in client.frames} == set()
    official = OfficialDecoder(MagicMock(), version)
    for message_id, frames in client.frames.items():
        for fields in frames:
            name = FIELDS[message_id][0]
            assert len(fields) == expected(message_id, version, fields), (name, fields)
            assert _left_by_official_decoder(official, fields) == [], (name, fields)
    for library in (ib_async, ib_insync):
        if version <= library.client.Client.MaxClientVersion:
            _decode(library, client, version)
    assert decode_errors == []
    client.close()


def _left_by_official_decoder(decoder: OfficialDecoder, fields: Frame) -> list[bytes]:
    """What the official decoder does not read of a message; it raises where one is too short."""
    encoded = [field.encode() for field in fields[1:]]
    handle = OfficialDecoder.msgId2handleInfo[int(fields[0])]
    if handle.processMeth is None:  # decoded by the signature of its callback
        return encoded[len(handle.wrapperParams or {}) :]
    left = iter(encoded)
    handle.processMeth(decoder, left)
    return list(left)


def _decode(library: ModuleType, client: WireClient, version: int) -> None:
    """The community's decoders log what they cannot read."""
    wrapper = MagicMock(defaultTimezone=UTC)
    wrapper.ib.TimezoneTWS = "US/Eastern"
    decoder = library.decoder.Decoder(wrapper, version)
    for frames in client.frames.values():
        for fields in frames:
            decoder.interpret(list(fields))


@pytest.fixture
def decode_errors() -> Iterator[list[str]]:
    errors: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            errors.append(record.getMessage())

    handler = Handler(logging.ERROR)
    for name in ("ib_async.Decoder", "ib_insync.Decoder"):
        logging.getLogger(name).addHandler(handler)
    yield errors
    for name in ("ib_async.Decoder", "ib_insync.Decoder"):
        logging.getLogger(name).removeHandler(handler)


@pytest.mark.parametrize(("newest", "agreed"), [(157, 157), (173, 173), (178, 178), (225, 178)])
async def test_the_newest_version_both_know_is_spoken(
    gateway: SimulatedGateway, newest: int, agreed: int
):
    client = await WireClient.connect(gateway.port, version=newest)
    assert client.version == agreed
    client.close()


async def test_an_older_client_is_hung_up_on_and_nobody_else(start_gateway: StartGateway):
    gateway = await start_gateway()
    steady = await WireClient.connect(gateway.port, client_id=1)
    with pytest.raises(AssertionError):
        await WireClient.connect(gateway.port, client_id=2, version=156)
    assert await steady.settle()
    steady.close()
