"""Account values, positions and profit as clients subscribe to them."""

from __future__ import annotations

from datetime import timedelta

import ib_async
import pytest

from infra.simulator.app import SimulatedGateway
from infra.simulator.exchange import FIRST_PERM_ID, PERM_IDS_IN_ROOM, first_perm_id
from tests.simulator.conftest import Connect, Recorder, StartGateway, place, settle, spy_put
from tests.simulator.wire_client import WireClient

ACCOUNT = "DU1000001"


async def test_profit_of_the_day_is_the_change_of_the_account_since_the_last_close(
    ib: Recorder, gateway: SimulatedGateway
):
    profit = ib.reqPnL(ACCOUNT)
    put = await spy_put(ib)
    await place(ib, put, ib_async.MarketOrder("SELL", 3))
    gateway.clock.advance(timedelta(minutes=30))
    await settle(ib)
    account = gateway.exchange.accounts[ACCOUNT]
    worth = gateway.exchange.values(ACCOUNT).net_liquidation
    assert profit.dailyPnL == pytest.approx(worth - float(account.day_start_equity or 0), abs=0.01)


async def test_profits_of_the_positions_add_up_to_that_of_the_account(
    ib: Recorder, gateway: SimulatedGateway
):
    gateway.clock.advance(timedelta(hours=7))  # the account was opened in the middle of a day
    gateway.clock.advance(timedelta(minutes=35))
    put, call = await spy_put(ib), await spy_put(ib, 630)
    await place(ib, put, ib_async.MarketOrder("SELL", 2))
    await place(ib, call, ib_async.MarketOrder("BUY", 1))
    await place(ib, call, ib_async.MarketOrder("SELL", 1))
    gateway.clock.advance(timedelta(minutes=30))
    await settle(ib)
    ids = {p.contract.conId for p in ib.positions()} | {call.conId}
    whole = ib.reqPnL(ACCOUNT)
    singles = [ib.reqPnLSingle(ACCOUNT, "", con_id) for con_id in ids]
    await settle(ib)
    assert sum(s.unrealizedPnL for s in singles) == pytest.approx(whole.unrealizedPnL, abs=0.05)
    assert sum(s.realizedPnL for s in singles) == pytest.approx(whole.realizedPnL, abs=0.01)
    # Options were marked at the middle of the market at the close; "close" is their model value.
    assert sum(s.dailyPnL for s in singles) == pytest.approx(whole.dailyPnL, abs=60)
    traded = next(s for s in singles if s.conId == call.conId)
    assert traded.position == 0
    assert traded.dailyPnL == pytest.approx(traded.realizedPnL, abs=0.01)
    assert traded.realizedPnL < 0


async def test_a_third_account_summary_is_refused(gateway: SimulatedGateway):
    client = await WireClient.connect(gateway.port)
    for request_id in (1, 2, 3):
        client.send(62, 1, request_id, "All", "NetLiquidation")
    await client.settle()
    assert client.codes()[-1] == 322
    client.send(63, 1, 1)
    client.send(62, 1, 4, "All", "NetLiquidation")
    await client.settle()
    assert [fields[2] for fields in client.frames[64]] == ["1", "2", "4"]
    client.close()


async def test_the_cash_ledger_is_told_by_currency(gateway: SimulatedGateway):
    client = await WireClient.connect(gateway.port)
    client.send(62, 1, 1, "All", "$LEDGER:ALL")
    await client.settle()
    rows = {(fields[4], fields[6]) for fields in client.frames[63]}
    assert {("TotalCashBalance", "USD"), ("TotalCashBalance", "BASE")} <= rows
    assert ("BuyingPower", "USD") not in rows
    client.close()


async def test_subscriptions_of_one_account_leave_the_others_out(start_gateway: StartGateway):
    gateway = await start_gateway(accounts=("DU1", "DU2"), messages_per_second=0)
    client = await WireClient.connect(gateway.port)
    client.send(74, 1, 1, "DU2", "")
    client.send(76, 1, 2, "DU2", "", 0)
    client.send(74, 1, 3, "DU9", "")
    await client.settle()
    assert {fields[3] for fields in client.frames[71]} == {"DU2"}
    assert {fields[3] for fields in client.frames[73]} == {"DU2"}
    assert client.codes()[-1] == 321
    client.close()


async def test_positions_of_many_are_told_as_they_change(
    gateway: SimulatedGateway, connect: Connect
):
    client = await WireClient.connect(gateway.port, client_id=9)
    client.send(74, 1, 1, ACCOUNT, "")
    client.send(76, 1, 2, ACCOUNT, "", 0)
    await client.settle()
    before = len(client.frames[71]), len(client.frames[73])
    trader = await connect(gateway)
    put = await spy_put(trader)
    await place(trader, put, ib_async.MarketOrder("SELL", 1))
    await client.settle()
    assert len(client.frames[71]) > before[0]
    assert len(client.frames[73]) > before[1]
    assert client.frames[71][-1][4] == str(put.conId)
    client.close()


async def test_an_adviser_login_lists_its_accounts_and_groups(start_gateway: StartGateway):
    gateway = await start_gateway(accounts=("DF1", "DU1", "DU2"))
    client = await WireClient.connect(gateway.port)
    assert client.frames[15][0][2] == "DF1,DU1,DU2"
    client.send(18, 1, 1)
    await client.settle()
    assert "<acct>DU2</acct>" in client.frames[16][0][3]
    client.close()


async def test_adviser_data_are_refused_to_anybody_else(gateway: SimulatedGateway):
    client = await WireClient.connect(gateway.port)
    client.send(18, 1, 1)
    await client.settle()
    assert client.codes()[-1] == 321
    client.close()


def test_gateways_of_different_accounts_number_their_orders_apart_within_31_bits():
    """permIds and execIds are one numbering at IBKR; a desk may trade through several gateways."""
    firsts = [first_perm_id([f"DU{number}"]) for number in range(1_000_001, 1_000_021)]
    assert len({*firsts}) == len(firsts)
    assert all(FIRST_PERM_ID <= first < 2**31 - PERM_IDS_IN_ROOM for first in firsts)
    assert first_perm_id(["DU1", "DU2"]) == first_perm_id(["DU2", "DU1"])
