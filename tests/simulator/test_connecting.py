from __future__ import annotations

import asyncio
import struct

import ib_async
import pytest

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import Connect, Recorder, StartGateway, settle, spy_put, until


async def test_a_client_connects_and_synchronises_the_demo_account(ib: Recorder):
    assert ib.client.serverVersion() == 178
    assert ib.managedAccounts() == ["DU1000001"]
    held = {p.contract.localSymbol.split()[0]: p.position for p in ib.positions()}
    assert held["AAPL"] in {200, -1}
    assert sorted(p.position for p in ib.positions()) == [-1, -1, 100, 200]
    values = {v.tag: v.value for v in ib.accountValues()}
    assert 970_000 < float(values["NetLiquidation"]) < 1_030_000
    assert float(values["AvailableFunds"]) > 0
    assert len(ib.portfolio()) == 4


async def test_a_client_of_the_older_version_decodes_the_same_orders(
    gateway: SimulatedGateway, monkeypatch: pytest.MonkeyPatch, connect: Connect
):
    monkeypatch.setattr(ib_async.client.Client, "MaxClientVersion", 176)
    older = await connect(gateway)
    assert older.client.serverVersion() == 176
    put = await spy_put(older)
    ticker = older.reqMktData(put)
    await settle(older)
    trade = older.placeOrder(put, ib_async.LimitOrder("SELL", 1, ticker.bid, orderRef="GL-176"))
    await settle(older)
    assert trade.orderStatus.status == "Filled"
    completed = await older.reqCompletedOrdersAsync(False)
    assert [t.order.orderRef for t in completed] == ["GL-176"]
    assert [f.execution.orderRef for f in await older.reqExecutionsAsync()] == ["GL-176"]


async def test_several_accounts_are_kept_apart(start_gateway: StartGateway, connect: Connect):
    gateway = await start_gateway(accounts=("DU1", "DU2"), messages_per_second=0)
    ib = await connect(gateway)
    assert ib.managedAccounts() == ["DU1", "DU2"]
    put = await spy_put(ib)
    await settle(ib)
    ib.placeOrder(put, ib_async.MarketOrder("SELL", 1, account="DU2"))
    nowhere = ib.placeOrder(put, ib_async.MarketOrder("SELL", 1))
    await settle(ib)
    assert ib.errors[-1][:2] == (nowhere.order.orderId, 321)
    holders = {p.account for p in ib.positions() if p.contract.conId == put.conId}
    assert holders == {"DU2"}


async def test_farm_notices_greet_a_client(ib: Recorder):
    assert ib.codes()[:3] == [2104, 2106, 2158]


async def test_market_time_is_the_answer_to_current_time(ib: Recorder, gateway: SimulatedGateway):
    assert await ib.reqCurrentTimeAsync() == gateway.clock.now()


async def test_a_second_client_with_the_same_id_is_turned_away(
    ib: Recorder, gateway: SimulatedGateway
):
    rival = ib_async.IB()
    errors: list[int] = []
    rival.errorEvent += lambda rid, code, text, contract: errors.append(code)
    with pytest.raises((ConnectionError, asyncio.TimeoutError)):
        await rival.connectAsync("127.0.0.1", gateway.port, clientId=1, timeout=0.5)
    assert errors == [326]
    assert ib.isConnected()


async def test_a_client_id_is_free_again_after_disconnecting(
    gateway: SimulatedGateway, connect: Connect
):
    first = await connect(gateway, 7)
    first.disconnect()
    again = await connect(gateway, 7)
    assert again.isConnected()


async def test_the_account_summary_has_the_tags_a_desk_needs(ib: Recorder):
    rows = {row.tag: row.value for row in await ib.accountSummaryAsync()}
    wanted = (
        "NetLiquidation,TotalCashValue,SettledCash,EquityWithLoanValue,BuyingPower,AvailableFunds,"
        "ExcessLiquidity,InitMarginReq,MaintMarginReq,FullInitMarginReq,FullMaintMarginReq,"
        "GrossPositionValue,Cushion,DayTradesRemaining,AccountType"
    )
    assert set(wanted.split(",")) <= rows.keys()


async def _raw(gateway: SimulatedGateway, *frames: bytes, hello: bool = True) -> bytes:
    """Send bytes as they are and return whatever comes back until the gateway falls silent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    if hello:
        greeting = b"v157..178"
        writer.write(b"API\0" + struct.pack(">I", len(greeting)) + greeting)
    for data in frames:
        writer.write(data)
    writer.write_eof()
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return answer


def _frame(*fields: object) -> bytes:
    payload = "".join(f"{f}\0" for f in fields).encode()
    return struct.pack(">I", len(payload)) + payload


START = _frame(71, 2, 99, "")


@pytest.mark.parametrize(
    ("name", "message", "code"),
    [
        ("unknown message", _frame(9999, 1), "505"),
        ("no number for a message id", _frame("hello"), "320"),
        ("truncated order", _frame(3, 5, 0, "SPY"), "320"),
        ("words where numbers belong", _frame(9, 8, "one", *[""] * 16), "320"),
        ("truncated market data request", _frame(1, 11, 4), "320"),
        ("an empty message", struct.pack(">I", 0), "505"),
        ("bytes that are no text", struct.pack(">I", 4) + b"\xff\xfe\x00\x00", "320"),
        ("an impossible market data type", _frame(59, 1, 12), "320"),
    ],
)
async def test_malformed_messages_are_answered_with_an_error(
    gateway: SimulatedGateway, name: str, message: bytes, code: str
):
    answer = await _raw(gateway, START, message, _frame(49, 1))
    assert f"\0{code}\0".encode() in answer, name
    # The connection lives on: the question after it is answered.
    assert b"49\x001\x00" in answer


async def test_requests_before_start_api_are_refused(gateway: SimulatedGateway):
    assert b"\x00504\x00" in await _raw(gateway, _frame(61, 1))


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0\x00\x00\x00\x04v1..", b"AP"],
)
async def test_strangers_are_hung_up_on(gateway: SimulatedGateway, data: bytes):
    assert await _raw(gateway, data, hello=False) == b""


async def test_strangers_leave_other_clients_alone(ib: Recorder, gateway: SimulatedGateway):
    await _raw(gateway, b"\x00" * 64, hello=False)
    assert await ib.reqCurrentTimeAsync() == gateway.clock.now()


async def test_a_client_sending_faster_than_the_limit_is_warned_and_still_served(
    start_gateway: StartGateway, connect: Connect
):
    gateway = await start_gateway(messages_per_second=20)
    ib = await connect(gateway)
    for _ in range(40):
        ib.client.reqIds(1)
    await settle(ib)
    assert 100 in ib.codes()


async def test_market_data_lines_are_limited(start_gateway: StartGateway, connect: Connect):
    gateway = await start_gateway(market_data_lines=1, messages_per_second=0)
    ib = await connect(gateway)
    ib.reqMktData(await spy_put(ib, 640))
    ib.reqMktData(await spy_put(ib, 641))
    await settle(ib)
    assert 101 in ib.codes()


async def test_refused_connections_stay_refused_until_allowed(
    gateway: SimulatedGateway, connect: Connect
):
    client = await connect(gateway, 3)
    gateway.faults.refuse_connections(True)
    await until(lambda: not client.isConnected())
    with pytest.raises((ConnectionError, asyncio.TimeoutError)):
        await ib_async.IB().connectAsync("127.0.0.1", gateway.port, clientId=3, timeout=0.5)
    gateway.faults.refuse_connections(False)
    assert (await connect(gateway, 3)).isConnected()


async def test_held_callbacks_arrive_in_order_when_released(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    gateway.faults.hold_callbacks()
    trade = ib.placeOrder(put, ib_async.LimitOrder("SELL", 1, 90))
    await until(gateway.ledger.orders)
    assert trade.order.permId == 0
    gateway.faults.release_callbacks()
    await until(lambda: trade.orderStatus.status == "Submitted")
    assert ib.names_since(len(ib.calls) - 2) == ["openOrder", "orderStatus"]
