from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder

from infra.simulator.app import SimulatedGateway
from infra.simulator.reference import NEW_YORK
from infra.simulator.simulation import ClosedHours
from tests.simulator.conftest import (
    Connect,
    Recorder,
    StartGateway,
    place,
    qualified,
    quoted,
    settle,
)


def _at(gateway: SimulatedGateway) -> str:
    return f"{gateway.clock.now().astimezone(NEW_YORK):%Y-%m-%d %H:%M}"


async def _sell_today(ib: Recorder, symbol: str, strike: float, trading_class: str, right: str):
    option = await qualified(
        ib,
        ib_async.Option(symbol, "20261123", strike, right, "SMART", tradingClass=trading_class),
    )
    await quoted(ib, option)
    trade = await place(ib, option, MarketOrder("SELL", 1))
    assert trade.orderStatus.status == "Filled"
    return option


async def test_closed_hours_are_leapt_over_by_default(ib: Recorder, gateway: SimulatedGateway):
    gateway.clock.advance(timedelta(hours=6, minutes=1))
    assert _at(gateway) == "2026-11-24 09:25"
    # Wednesday to Friday: Thanksgiving has no session, and Friday closes early.
    gateway.clock.advance(timedelta(days=2))
    assert _at(gateway) == "2026-11-27 09:25"
    gateway.clock.advance(timedelta(hours=3, minutes=36))
    assert _at(gateway) == "2026-11-30 09:25"


async def test_closed_hours_can_pass_like_any_other(start_gateway: StartGateway):
    gateway = await start_gateway(closed=ClosedHours.RUN)
    gateway.clock.advance(timedelta(hours=9))
    assert _at(gateway) == "2026-11-23 19:00"


async def test_an_option_in_the_money_delivers_shares(ib: Recorder, gateway: SimulatedGateway):
    put = await _sell_today(ib, "SPY", 680, "SPY", "P")
    account = gateway.exchange.accounts["DU1000001"]
    premium, cash = float(account.holding(put.conId).average_cost), account.cash
    gateway.clock.advance(timedelta(hours=7))
    await settle(ib)
    held = {p.contract.symbol: p for p in ib.positions() if p.contract.secType == "STK"}
    assert held["SPY"].position == 100
    account = gateway.exchange.accounts["DU1000001"]
    assert account.cash == cash - 68_000
    # The premium is part of the shares' cost: nothing is realised before they are sold.
    assert held["SPY"].avgCost == pytest.approx(680 - premium / 100)
    assert account.realized_pnl == 0
    assert put.conId not in {p.contract.conId for p in ib.positions()}


async def test_an_option_out_of_the_money_expires_worthless(
    ib: Recorder, gateway: SimulatedGateway
):
    before = len(ib.positions())
    await _sell_today(ib, "SPY", 658, "SPY", "P")
    cash = gateway.exchange.accounts["DU1000001"].cash
    close = gateway.market.paths.close_on(
        gateway.market.book.underlying("SPY").underlying, date(2026, 11, 23)
    )
    assert close > 658
    gateway.clock.advance(timedelta(hours=7))
    await settle(ib)
    assert len(ib.positions()) == before
    assert gateway.exchange.accounts["DU1000001"].cash == cash


async def test_an_index_option_settles_in_cash_at_the_close(
    ib: Recorder, gateway: SimulatedGateway
):
    before = len(ib.positions())
    await _sell_today(ib, "SPX", 6800, "SPXW", "P")
    cash = gateway.exchange.accounts["DU1000001"].cash
    gateway.clock.advance(timedelta(hours=7))
    await settle(ib)
    spx = gateway.market.book.underlying("SPX").underlying
    close = round(gateway.market.paths.close_on(spx, date(2026, 11, 23)), 2)
    paid = cash - gateway.exchange.accounts["DU1000001"].cash
    assert float(paid) == pytest.approx((6800 - close) * 100)
    assert len(ib.positions()) == before


async def test_a_morning_settled_option_waits_for_the_next_open(
    start_gateway: StartGateway, connect: Connect
):
    thursday = datetime(2026, 12, 17, 15, 0, tzinfo=NEW_YORK)
    gateway = await start_gateway(start=thursday, messages_per_second=0)
    ib = await connect(gateway)
    spot = gateway.market.spot("SPX", gateway.clock.now())
    strike = round(spot / 25) * 25 + 100
    option = await qualified(
        ib, ib_async.Option("SPX", "20261217", strike, "P", "SMART", tradingClass="SPX")
    )
    await quoted(ib, option)
    await place(ib, option, MarketOrder("SELL", 1))
    gateway.clock.advance(timedelta(hours=1, minutes=1))
    await settle(ib)
    held = {p.contract.conId for p in ib.positions()}
    assert option.conId in held
    # It is still held on Friday morning, but its last trading day is over.
    refused = await place(ib, option, LimitOrder("BUY", 1, 100))
    assert ib.errors[-1][:2] == (refused.order.orderId, 200)
    cash = gateway.exchange.accounts["DU1000001"].cash
    gateway.clock.advance(timedelta(minutes=5))
    await settle(ib)
    spx = gateway.market.book.underlying("SPX").underlying
    opening = round(gateway.market.paths.open_on(spx, date(2026, 12, 18)), 2)
    paid = cash - gateway.exchange.accounts["DU1000001"].cash
    assert paid == max(Decimal(strike) - Decimal(str(opening)), Decimal(0)) * 100
    assert option.conId not in {p.contract.conId for p in ib.positions()}


async def test_months_pass_in_a_moment_without_a_decoding_error(
    ib: Recorder, gateway: SimulatedGateway
):
    await quoted(ib, await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD")))
    for _ in range(90):
        gateway.clock.advance(timedelta(days=1))
    await settle(ib)
    assert _at(gateway) >= "2027-02-19"
    assert all(p.contract.secType == "STK" for p in ib.positions())
