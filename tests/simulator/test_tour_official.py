"""The official client of IBKR walks through everything it can ask of a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal

import pytest
from ibapi.execution import ExecutionFilter
from ibapi.order_cancel import OrderCancel

from infra.simulator.app import SimulatedGateway
from tests.simulator.conftest import until
from tests.simulator.official import OfficialClient, limit, option, spread, stock

Start = Callable[[int], Awaitable[OfficialClient]]
EXPIRY = "20261218"


@pytest.fixture
async def start(gateway: SimulatedGateway) -> AsyncIterator[Start]:
    """Starts official clients; each must have understood every message it was sent."""
    clients: list[OfficialClient] = []
    async with AsyncExitStack() as stack:

        async def start_client(client_id: int) -> OfficialClient:
            client = OfficialClient()
            clients.append(client)
            await client.start(gateway, client_id)
            stack.push_async_callback(client.stop)
            return client

        yield start_client
    assert [failure for client in clients for failure in client.failures] == []


@pytest.fixture
async def client(start: Start) -> OfficialClient:
    return await start(1)


async def test_it_agrees_on_the_text_protocol_and_learns_its_accounts(client: OfficialClient):
    assert client.serverVersion() == 178
    assert await client.first("managedAccounts") == ("DU1000001",)
    assert (await client.first("nextValidId"))[0] >= 1


async def test_it_reads_the_account(client: OfficialClient):
    client.reqAccountUpdates(True, "")
    await client.first("accountDownloadEnd")
    values = {args[0]: args[1] for args in client.all("updateAccountValue")}
    assert float(values["NetLiquidation"]) > 900_000
    assert len(client.all("updatePortfolio")) == 4
    client.reqAccountSummary(1, "All", "NetLiquidation,FullMaintMarginReq")
    await client.first("accountSummaryEnd", 1)
    assert {args[2] for args in client.all("accountSummary", 1)} == {
        "NetLiquidation",
        "FullMaintMarginReq",
    }
    client.reqPositions()
    await client.first("positionEnd")
    assert len(client.all("position")) == 4
    client.reqPositionsMulti(2, "DU1000001", "")
    await client.first("positionMultiEnd", 2)
    client.reqAccountUpdatesMulti(3, "DU1000001", "", False)
    await client.first("accountUpdateMultiEnd", 3)
    client.reqPnL(4, "DU1000001", "")
    assert len(await client.first("pnl", 4)) == 4
    client.reqFamilyCodes()
    await client.first("familyCodes")
    client.reqUserInfo(5)
    await client.first("userInfo", 5)


async def test_it_finds_contracts_and_chains(client: OfficialClient):
    client.reqContractDetails(1, option("SPY", EXPIRY, 640, "P"))
    await client.first("contractDetailsEnd", 1)
    details = client.all("contractDetails", 1)[0][1]
    assert details.contract.localSymbol == "SPY   261218P00640000"
    client.reqSecDefOptParams(2, "SPY", "", "STK", 10001)
    await client.first("securityDefinitionOptionParameterEnd", 2)
    chain = client.all("securityDefinitionOptionParameter", 2)[0]
    assert EXPIRY in chain[5]
    client.reqMatchingSymbols(3, "SP")
    assert len((await client.first("symbolSamples", 3))[1]) >= 2
    client.reqMarketRule(int(details.marketRuleIds.split(",")[0]))
    await client.first("marketRule")
    client.reqSmartComponents(4, "9c0001")
    assert len((await client.first("smartComponents", 4))[1]) > 1
    client.reqMktDepthExchanges()
    await client.first("mktDepthExchanges")


async def test_it_sees_quotes_greeks_and_ticks(client: OfficialClient, gateway: SimulatedGateway):
    client.reqMktData(1, option("SPY", EXPIRY, 640, "P"), "100,101,106", False, False, [])
    client.reqMktData(2, stock("AAPL"), "104,106,165,221,233,236,318,456", False, False, [])
    client.reqMktData(3, stock("MSFT"), "", True, False, [])
    await client.first("tickSnapshotEnd", 3)
    await client.first("tickOptionComputation", 1)
    client.reqRealTimeBars(4, stock("SPY"), 5, "TRADES", True, [])
    client.reqTickByTickData(5, stock("SPY"), "BidAsk", 10, False)
    client.reqTickByTickData(6, stock("SPY"), "AllLast", 0, False)
    client.reqTickByTickData(7, stock("SPY"), "MidPoint", 0, False)
    await client.settle()
    gateway.clock.advance(timedelta(seconds=11))
    await until(lambda: len(client.all("realtimeBar", 4)) == 2)
    assert len((await client.first("historicalTicksBidAsk", 5))[1]) == 10
    await client.first("tickByTickBidAsk", 5)
    await client.first("tickByTickAllLast", 6)
    await client.first("tickByTickMidPoint", 7)
    assert {2, 12, 165, 233, 456} & set(client.codes()) == set()
    client.cancelRealTimeBars(4)
    client.cancelTickByTickData(5)
    client.cancelMktData(1)
    await client.settle()


async def test_it_reads_history(client: OfficialClient):
    contract = option("SPY", EXPIRY, 640, "P")
    wanted = [
        (stock("SPY"), "1 Y", "1 day", "TRADES"),
        (stock("SPY"), "1 D", "5 mins", "BID_ASK"),
        (contract, "2 D", "1 hour", "MIDPOINT"),
        (stock("SPY"), "2 W", "1 day", "SCHEDULE"),
    ]
    for number, (about, span, size, what) in enumerate(wanted, 1):
        client.reqHistoricalData(number, about, "", span, size, what, 1, 1, False, [])
    for number in (1, 2, 3):
        await client.first("historicalDataEnd", number)
        assert client.all("historicalData", number)
    assert len((await client.first("historicalSchedule", 4))[4]) in {9, 10, 11}
    client.reqHeadTimeStamp(5, stock("SPY"), "TRADES", 1, 1)
    await client.first("headTimestamp", 5)
    client.reqHistogramData(6, stock("SPY"), True, "3 days")
    assert (await client.first("histogramData", 6))[1]
    client.reqHistoricalTicks(7, stock("SPY"), "20261120 10:00:00", "", 100, "TRADES", 1, True, [])
    assert len((await client.first("historicalTicksLast", 7))[1]) == 100


async def test_it_trades_and_reads_what_it_has_done(
    client: OfficialClient, gateway: SimulatedGateway
):
    put = option("SPY", EXPIRY, 640, "P")
    preview = limit("SELL", 1, 1.0)
    preview.whatIf = True
    first_id = (await client.first("nextValidId"))[0]
    client.placeOrder(first_id, put, preview)
    state = (await client.first("openOrder", first_id))[3]
    assert float(state.initMarginChange) > 0
    working, sold = first_id + 1, first_id + 2
    client.placeOrder(working, put, limit("SELL", 1, 90.0, "far"))
    await client.first("orderStatus", working)
    client.placeOrder(working, put, limit("SELL", 2, 91.0, "far"))
    client.placeOrder(sold, put, limit("SELL", 1, 0.05, "near"))
    await client.first("commissionAndFeesReport")
    assert client.all("openOrder", working)[-1][2].totalQuantity == Decimal(2)
    client.reqAllOpenOrders()
    await client.first("openOrderEnd")
    client.cancelOrder(working, OrderCancel())
    await until(lambda: 202 in client.codes())
    client.reqExecutions(9, ExecutionFilter())
    await client.first("execDetailsEnd", 9)
    assert [args[2].orderRef for args in client.all("execDetails", 9)] == ["near"]
    client.reqCompletedOrders(False)
    await client.first("completedOrdersEnd")
    assert {args[1].orderRef for args in client.all("completedOrder")} == {"near", "far"}
    client.reqGlobalCancel(OrderCancel())
    await client.settle()


async def test_it_trades_a_combo(client: OfficialClient):
    ids = []
    for number, strike in enumerate((640, 620), 1):
        client.reqContractDetails(number, option("SPY", EXPIRY, strike, "P"))
        ids.append((await client.first("contractDetails", number))[1].contract.conId)
    order_id = (await client.first("nextValidId"))[0]
    client.placeOrder(order_id, spread("SPY", *ids), limit("BUY", 1, 0.0, "combo"))
    await until(lambda: len(client.all("commissionAndFeesReport")) == 2)
    client.reqExecutions(9, ExecutionFilter())
    await client.first("execDetailsEnd", 9)
    assert sorted(args[1].secType for args in client.all("execDetails", 9)) == ["BAG", "OPT", "OPT"]


async def test_what_the_gateway_does_not_have_is_refused_and_never_hangs(client: OfficialClient):
    client.reqMktDepth(1, stock("SPY"), 5, False, [])
    client.reqFundamentalData(2, stock("SPY"), "ReportSnapshot", [])
    client.reqNewsProviders()
    client.reqNewsArticle(3, "BRFG", "1", [])
    client.reqHistoricalNews(4, 10001, "BRFG", "", "", 10, [])
    client.requestFA(1)
    client.reqScannerParameters()
    client.reqWshMetaData(5)
    client.queryDisplayGroups(6)
    client.reqSoftDollarTiers(7)
    client.reqContractDetails(8, option("SPY", "20261219", 640, "P"))
    client.reqMktData(9, stock("SPY"), "9999", False, False, [])
    client.cancelMktData(77)
    await client.settle()
    assert set(client.codes()) >= {10092, 430, 10172, 10276, 321, 200, 300}
    await client.first("scannerParameters")
    await client.first("displayGroupList", 6)
    await client.first("softDollarTiers", 7)


async def test_its_client_id_can_be_used_once_at_a_time(
    client: OfficialClient, gateway: SimulatedGateway
):
    rival = OfficialClient()
    await rival.launch(gateway, 1)
    await until(lambda: 326 in rival.codes())
    await rival.stop()
    assert client.isConnected()
