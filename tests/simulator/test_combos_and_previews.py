"""Packages of every shape, and what-if answers for every kind of order."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import ib_async
import pytest
from ib_async import ComboLeg, Contract, LimitOrder, MarketOrder, Order

from domain.commissions import Charges
from infra.calendars import trading_calendar
from infra.simulator.app import SimulatedGateway
from infra.simulator.contracts import ContractBook
from tests.simulator.conftest import (
    Connect,
    Recorder,
    place,
    qualified,
    quoted,
    run_until_done,
    settle,
    spy_put,
)

BOOK = ContractBook(trading_calendar())
UNSET = "1.7976931348623157E308"


def _bag(symbol: str, *legs: tuple[Contract, int, str], open_close: int = 0) -> Contract:
    combo = [
        ComboLeg(c.conId, ratio, action, "SMART", openClose=open_close) for c, ratio, action in legs
    ]
    return Contract(symbol=symbol, secType="BAG", exchange="SMART", currency="USD", comboLegs=combo)


async def _spread(ib: Recorder) -> Contract:
    return _bag("SPY", (await spy_put(ib, 640), 1, "SELL"), (await spy_put(ib, 620), 1, "BUY"))


async def _butterfly(ib: Recorder) -> Contract:
    low, middle, high = [await spy_put(ib, strike) for strike in (620, 630, 640)]
    return _bag("SPY", (low, 1, "BUY"), (middle, 2, "SELL"), (high, 1, "BUY"))


async def _condor(ib: Recorder) -> Contract:
    puts = [await spy_put(ib, strike) for strike in (620, 630)]
    calls = [
        await qualified(ib, ib_async.Option("SPY", "20261218", strike, "C", "SMART"))
        for strike in (690, 700)
    ]
    return _bag(
        "SPY",
        (puts[0], 1, "BUY"),
        (puts[1], 1, "SELL"),
        (calls[0], 1, "SELL"),
        (calls[1], 1, "BUY"),
    )


async def _buy_write(ib: Recorder) -> Contract:
    call = await qualified(ib, ib_async.Option("AAPL", "20261218", 280, "C", "SMART"))
    stock = await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD"))
    return _bag("AAPL", (stock, 100, "BUY"), (call, 1, "SELL"))


COMBOS = {"spread": _spread, "butterfly": _butterfly, "condor": _condor, "buy-write": _buy_write}


@pytest.mark.parametrize("shape", COMBOS)
async def test_a_package_fills_at_its_net_price_and_each_leg_in_its_ratio(
    ib: Recorder, gateway: SimulatedGateway, shape: str
):
    combo = await COMBOS[shape](ib)
    net = await quoted(ib, combo)
    before = {p.contract.conId: p.position for p in ib.positions()}
    trade = await place(ib, combo, LimitOrder("BUY", 2, net.ask, orderRef="GL-combo"))
    await run_until_done(gateway, ib, trade)
    assert trade.orderStatus.avgFillPrice <= net.ask
    assert {f.execution.permId for f in trade.fills} == {trade.order.permId}
    unit = 100 if any(f.contract.secType == "OPT" for f in trade.fills) else 1
    spent = 0.0
    for leg in combo.comboLegs:
        fills = [f for f in trade.fills if f.contract.conId == leg.conId]
        shares = sum(f.execution.shares for f in fills)
        assert shares == 2 * leg.ratio
        sign = 1 if leg.action == "BUY" else -1
        multiplier = int(fills[0].contract.multiplier or 1)
        spent += sign * sum(f.execution.shares * f.execution.price for f in fills) * multiplier
        held = {p.contract.conId: p.position for p in ib.positions()}
        assert held.get(leg.conId, 0) - before.get(leg.conId, 0) == sign * 2 * leg.ratio
    assert spent == pytest.approx(2 * unit * trade.orderStatus.avgFillPrice, abs=0.01)


async def test_a_buy_write_is_quoted_per_share(ib: Recorder):
    combo = await _buy_write(ib)
    net = await quoted(ib, combo)
    stock = await quoted(ib, await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD")))
    assert stock.bid - 20 < net.bid < net.ask < stock.ask


@pytest.mark.parametrize("limit", [0.0, -0.5])
async def test_a_package_may_be_worth_nothing_or_less(ib: Recorder, limit: float):
    trade = await place(ib, await _spread(ib), LimitOrder("BUY", 1, limit))
    assert trade.orderStatus.status in {"Submitted", "Filled"}
    assert trade.order.lmtPrice == limit


async def test_five_legs_or_one_are_too_many_or_too_few(ib: Recorder):
    puts = [await spy_put(ib, strike) for strike in (610, 615, 620, 625, 630)]
    for chosen in (puts, puts[:1]):
        combo = _bag("SPY", *((p, 1, "BUY") for p in chosen))
        trade = await place(ib, combo, LimitOrder("BUY", 1, 1))
        assert ib.errors[-1][:2] == (trade.order.orderId, 312)


async def test_legs_say_whether_they_open_or_close(ib: Recorder):
    combo = _bag(
        "SPY", (await spy_put(ib, 640), 1, "SELL"), (await spy_put(ib, 620), 1, "BUY"), open_close=1
    )
    await place(ib, combo, LimitOrder("BUY", 1, -50))
    (seen,) = await ib.reqAllOpenOrdersAsync()
    assert [leg.openClose for leg in seen.contract.comboLegs] == [1, 1]


PREVIEWS: dict[str, dict[str, Any]] = {
    "limit": {"orderType": "LMT", "lmtPrice": 4.0},
    "market": {"orderType": "MKT"},
    "stop": {"orderType": "STP", "auxPrice": 2.0},
    "stop limit": {"orderType": "STP LMT", "auxPrice": 2.0, "lmtPrice": 1.9},
    "held": {"orderType": "LMT", "lmtPrice": 4.0, "transmit": False},
    "group": {"orderType": "LMT", "lmtPrice": 4.0, "ocaGroup": "g", "ocaType": 1},
    "adaptive": {"orderType": "MKT", "algoStrategy": "Adaptive"},
    "good till": {"orderType": "LMT", "lmtPrice": 4.0, "tif": "GTD", "goodTillDate": "20261201"},
}


@pytest.mark.parametrize("kind", PREVIEWS)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_what_if_answers_with_numbers_for_every_kind_of_order(
    ib: Recorder, gateway: SimulatedGateway, kind: str, side: str
):
    order = Order(action=side, totalQuantity=3, **PREVIEWS[kind])
    _check_numbers(await ib.whatIfOrderAsync(await spy_put(ib), order))
    assert gateway.ledger.orders() == []


@pytest.mark.parametrize("shape", COMBOS)
@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_a_what_if_answers_with_numbers_for_every_package(
    ib: Recorder, shape: str, side: str
):
    combo = await COMBOS[shape](ib)
    _check_numbers(
        await ib.whatIfOrderAsync(combo, Order(action=side, totalQuantity=1, orderType="MKT"))
    )


def _check_numbers(state: ib_async.OrderState) -> None:
    for name in ("initMargin", "maintMargin", "equityWithLoan"):
        before, change, after = (getattr(state, name + s) for s in ("Before", "Change", "After"))
        assert UNSET not in {before, change, after}
        assert float(before) + float(change) == pytest.approx(float(after), abs=0.02)
    assert 0 < state.minCommission <= state.commission <= state.maxCommission < 100


async def test_a_what_if_of_a_closing_trade_frees_margin_and_burns_no_id(ib: Recorder):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    order = LimitOrder("BUY", 1, ticker.ask)
    state = await ib.whatIfOrderAsync(put, order)
    assert float(state.initMarginChange) < 0
    assert float(state.maintMarginChange) < 0
    used = max(t.order.orderId for t in ib.trades())
    ib.client.placeOrder(used + 1, put, LimitOrder("BUY", 1, 0.05))
    await settle(ib)
    assert 103 not in ib.codes()


@pytest.mark.parametrize(
    ("premium", "contracts", "due"),
    [("0.10", 10, "6.50"), ("0.09", 10, "5.00"), ("0.05", 10, "5.00"), ("0.04", 10, "2.50"),
     ("3.00", 1, "1.00")],
)  # fmt: skip
def test_option_commissions_fall_with_the_premium(premium: str, contracts: int, due: str):
    charges = Charges().plus(Decimal(contracts), Decimal(premium), is_option=True)
    assert charges.total == Decimal(due)


@pytest.mark.parametrize(
    ("shares", "price", "due"),
    [(10, "270", "1.00"), (1000, "270", "5.00"), (1, "5.00", "0.05"), (1000, "0.20", "2.00")],
)
def test_stock_commissions_have_a_floor_and_a_ceiling(shares: int, price: str, due: str):
    charges = Charges().plus(Decimal(shares), Decimal(price), is_option=False)
    assert charges.total == Decimal(due)


async def test_order_ids_belong_to_their_client(
    ib: Recorder, gateway: SimulatedGateway, connect: Connect
):
    put = await spy_put(ib)
    mine = await place(ib, put, LimitOrder("SELL", 1, 90, orderRef="mine"))
    other = await connect(gateway, 2)
    other.client.placeOrder(mine.order.orderId, put, LimitOrder("SELL", 1, 91, orderRef="theirs"))
    await settle(other)
    refs = {o.order_ref: (o.client_id, o.terms.limit_price) for o in gateway.ledger.orders()}
    assert refs == {"mine": (1, Decimal(90)), "theirs": (2, Decimal(91))}
    other.client.cancelOrder(mine.order.orderId)
    await settle(other)
    assert mine.orderStatus.status == "Submitted"


async def test_completed_orders_of_the_api_alone_leave_out_what_was_done_by_hand(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    gateway.tws.trade(put.conId, "SELL", 1, "3.00")
    await place(ib, put, MarketOrder("SELL", 1, orderRef="api"))
    gateway.clock.advance(timedelta(seconds=5))
    assert len(await ib.reqCompletedOrdersAsync(False)) == 2
    assert [t.order.orderRef for t in await ib.reqCompletedOrdersAsync(True)] == ["api"]


async def test_an_execution_filter_narrows_by_every_field(ib: Recorder, gateway: SimulatedGateway):
    put = await spy_put(ib)
    await place(ib, put, MarketOrder("SELL", 1))
    fields = {
        "acctCode": ("DU1000001", "DU9"), "symbol": ("SPY", "QQQ"), "secType": ("OPT", "STK"),
        "exchange": ("CBOE", "ISE"), "side": ("SELL", "BUY"), "clientId": (1, 2),
        "time": ("20261123 09:45:00", "20261123 11:45:00"),
    }  # fmt: skip
    for name, (matching, other) in fields.items():
        for value, count in ((matching, 1), (other, 0)):
            wanted = ib_async.ExecutionFilter(**{name: value})
            assert len(await ib.reqExecutionsAsync(wanted)) == count, (name, value)
