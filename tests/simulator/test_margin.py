"""Margin: what positions require under either model, and what working orders reserve."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import ib_async
import numpy as np
import pytest
from ib_async import LimitOrder
from pydantic import ValidationError

from domain.instruments import Right
from infra.calendars import trading_calendar
from infra.simulator.accounts import Account, value_account
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.margin import MarkedPosition
from infra.simulator.portfolio_margin import portfolio_requirement, scenario_profits
from infra.simulator.records import AccountRecord, HoldingRecord, MarginModel
from infra.simulator.synthetic import SyntheticMarket
from tests.simulator.conftest import (
    Connect,
    Recorder,
    StartGateway,
    place,
    qualified,
    quoted,
    settle,
    spy_put,
)

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
MSFT = 10005
MARKET = SyntheticMarket(7, trading_calendar(), AT.date())
BOOK = MARKET.book


def _position(symbol: str, quantity: float) -> MarkedPosition:
    quote = MARKET.quote(BOOK.underlying(symbol), AT)
    return MarkedPosition(BOOK.underlying(symbol), quantity, quote.mark, quote.underlying_price)


def _option(class_name: str, strike: int, quantity: float) -> MarkedPosition:
    security = BOOK.option(class_name, date(2026, 12, 18), Decimal(strike), Right.PUT)
    quote = MARKET.quote(security, AT)
    years = MARKET.years_left(security, AT)
    return MarkedPosition(security, quantity, quote.mark, quote.underlying_price, quote.iv, years)


@pytest.mark.parametrize(
    ("symbol", "share"), [("AAPL", 0.15), ("SPY", 0.08), ("QQQ", 0.08), ("IWM", 0.10)]
)
def test_shares_alone_are_margined_by_the_worst_move_of_their_group(symbol: str, share: float):
    position = _position(symbol, 100)
    expected = 100 * position.spot * share
    required = portfolio_requirement([position])
    assert required.maintenance == pytest.approx(expected)
    assert required.initial == pytest.approx(1.1 * expected)


def test_a_broad_index_falls_further_than_it_rises():
    short, long = _position("SPY", -100), _position("SPY", 100)
    fall = portfolio_requirement([long]).maintenance
    rise = portfolio_requirement([short]).maintenance
    assert rise / fall == pytest.approx(0.06 / 0.08)


def test_a_hedge_in_the_same_group_lowers_the_requirement_and_another_group_does_not():
    shares, put = _position("SPY", 100), _option("SPY", 650, 1)
    alone = portfolio_requirement([shares]).maintenance
    assert portfolio_requirement([shares, put]).maintenance < 0.6 * alone
    apple = _position("AAPL", -100)
    both = portfolio_requirement([shares, apple]).maintenance
    assert both == pytest.approx(alone + portfolio_requirement([apple]).maintenance)


def test_an_index_and_its_fund_offset_each_other():
    fund, index = _position("SPY", 1000), _option("SPXW", 6600, 1)
    together = portfolio_requirement([fund, index]).maintenance
    apart = sum(portfolio_requirement([p]).maintenance for p in (fund, index))
    assert together < apart


def test_no_option_is_margined_below_its_minimum():
    # A long far put loses less than the minimum in every scenario.
    assert portfolio_requirement([_option("SPY", 450, 10)]).maintenance == 375


def test_scenarios_revalue_options_along_the_curve():
    put = _option("SPY", 640, -1)
    losses = -scenario_profits([put], np.array([-0.08, -0.04, 0.0, 0.06]))
    assert losses[2] == pytest.approx(0, abs=1e-9)
    assert losses[0] > losses[1] > 0 > losses[3]
    # A short put cannot lose more than the move of the shares it stands for.
    assert losses[0] < 100 * put.spot * 0.08


@pytest.mark.parametrize("model", list(MarginModel))
def test_the_balances_of_an_account_agree_with_each_other(model: MarginModel):
    put = _option("SPY", 640, -2)
    record = AccountRecord(
        account="DU1",
        cash=Decimal(100_000),
        margin=model,
        holdings=(
            HoldingRecord(con_id=10004, quantity=Decimal(100), average_cost=Decimal(250)),
            HoldingRecord(
                con_id=put.security.con_id, quantity=Decimal(-2), average_cost=Decimal(300)
            ),
        ),
    )
    tags = {
        tag: float(value)
        for tag, (value, currency) in value_account(Account(record), MARKET, AT).tags().items()
        if currency == "USD" and tag != "Currency"
    } | {"Cushion": float(value_account(Account(record), MARKET, AT).tags()["Cushion"][0])}
    total = tags["TotalCashValue"] + tags["StockMarketValue"] + tags["OptionMarketValue"]
    assert tags["NetLiquidation"] == pytest.approx(total, abs=0.02)
    options = 0 if model is MarginModel.REGT else tags["OptionMarketValue"]
    loan = tags["TotalCashValue"] + tags["StockMarketValue"] + options
    assert tags["EquityWithLoanValue"] == pytest.approx(loan, abs=0.02)
    for prefix in ("", "Full", "LookAhead"):
        initial, maintenance = tags[f"{prefix}InitMarginReq"], tags[f"{prefix}MaintMarginReq"]
        assert initial >= maintenance > 0
        available, excess = tags[f"{prefix}AvailableFunds"], tags[f"{prefix}ExcessLiquidity"]
        assert available == pytest.approx(tags["EquityWithLoanValue"] - initial, abs=0.02)
        assert excess == pytest.approx(tags["EquityWithLoanValue"] - maintenance, abs=0.02)
    cushion = tags["ExcessLiquidity"] / tags["NetLiquidation"]
    assert tags["Cushion"] == pytest.approx(cushion, abs=1e-5)
    assert tags["BuyingPower"] > tags["AvailableFunds"]


async def test_each_account_has_the_margin_model_it_was_opened_with(
    start_gateway: StartGateway, connect: Connect
):
    gateway = await start_gateway(accounts=("DU1=portfolio", "DU2"))
    ib = await connect(gateway)
    required = {
        v.account: float(v.value)
        for v in await ib.accountSummaryAsync()
        if v.tag == "MaintMarginReq"
    }
    assert required["DU1"] < required["DU2"]
    put = await spy_put(ib)
    changes = {}
    for account in ("DU1", "DU2"):
        order = LimitOrder("SELL", 1, 3.5, account=account)
        changes[account] = float((await ib.whatIfOrderAsync(put, order)).initMarginChange)
    assert 0 < changes["DU1"] < changes["DU2"]


def test_an_unknown_margin_model_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="DU1=cash"):
        GatewayOptions(data_dir=tmp_path, accounts=("DU1=cash",))


async def _sixty_percent(gateway: SimulatedGateway, ib: Recorder, put: ib_async.Contract) -> int:
    """How many short puts, sold at 10, take about 60 % of the free margin."""
    state = await ib.whatIfOrderAsync(put, LimitOrder("SELL", 1, 10))
    premium = 1000
    free = gateway.exchange.values("DU1000001").available_funds
    return int(free / (float(state.initMarginChange) - premium) * 0.6)


async def test_two_orders_cannot_be_accepted_against_the_same_margin(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    await quoted(ib, put)
    size = await _sixty_percent(gateway, ib, put)
    first = await place(ib, put, LimitOrder("SELL", size, 10))
    assert first.orderStatus.status == "Submitted"
    second = await place(ib, put, LimitOrder("SELL", size, 10))
    assert second.orderStatus.status == "Inactive"
    assert ib.errors[-1][:2] == (second.order.orderId, 201)
    ib.cancelOrder(first.order)
    await settle(ib)
    third = await place(ib, put, LimitOrder("SELL", size, 10))
    assert third.orderStatus.status == "Submitted"
    third.order.totalQuantity = 2 * size
    ib.placeOrder(put, third.order)
    await settle(ib)
    assert ib.errors[-1][:2] == (third.order.orderId, 201)
    assert gateway.exchange.working_orders()[0].terms.quantity == size


async def test_alternatives_of_one_group_reserve_margin_once(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    await quoted(ib, put)
    size = await _sixty_percent(gateway, ib, put)
    for limit in (10, 11):
        order = LimitOrder("SELL", size, limit, ocaGroup="either", ocaType=1)
        assert (await place(ib, put, order)).orderStatus.status == "Submitted"


async def test_an_order_that_frees_margin_is_always_accepted(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    ticker = await quoted(ib, put)
    gateway.tws.trade(put.conId, "SELL", 100, ticker.bid)
    assert gateway.exchange.values("DU1000001").available_funds < 0
    closing = await place(ib, put, LimitOrder("BUY", 1, ticker.ask))
    assert closing.orderStatus.status == "Filled"
    opening = await place(ib, put, LimitOrder("SELL", 1, ticker.bid))
    assert opening.orderStatus.status == "Inactive"


async def test_shares_cover_the_calls_of_one_order_and_not_of_the_next_as_well(
    ib: Recorder, gateway: SimulatedGateway
):
    put = await spy_put(ib)
    bid = (await quoted(ib, put)).bid
    while (free := gateway.exchange.values("DU1000001").available_funds) > 15_000:
        gateway.tws.trade(put.conId, "SELL", 1, bid)
    gateway.tws.trade(MSFT, "BUY", int((free - 4000) / 250), 500)
    # 200 shares and one call written already: one more is covered, each other needs about 2,600.
    call = await qualified(ib, ib_async.Option("AAPL", "20261218", 300, "C", "SMART"))
    covered = await place(ib, call, LimitOrder("SELL", 1, 2))
    beside = await place(ib, call, LimitOrder("SELL", 2, 2))
    assert [t.orderStatus.status for t in (covered, beside)] == ["Submitted", "Inactive"]
    ib.cancelOrder(covered.order)
    alone = await place(ib, call, LimitOrder("SELL", 2, 2))
    assert alone.orderStatus.status == "Submitted"
