"""What changes an account without an order: assignment, dividends, splits, interest, resets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import ib_async
import pytest
from ib_async import LimitOrder, MarketOrder

from domain.instruments import Right
from infra.calendars import trading_calendar
from infra.simulator.agenda import Agenda, Duty
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.contracts import Security
from infra.simulator.market_events import Dividend, EventPlan, Split
from infra.simulator.records import HoldingRecord
from infra.simulator.reference import NEW_YORK
from infra.simulator.simulation import ClosedHours
from tests.simulator.conftest import (
    TEN_O_CLOCK,
    Connect,
    Recorder,
    StartGateway,
    place,
    qualified,
    quoted,
    settle,
    until,
)

ACCOUNT = "DU1000001"
TUESDAY = date(2026, 11, 24)
DECEMBER = date(2026, 12, 18)


def _plan(*events: object) -> EventPlan:
    return EventPlan.model_validate({"events": events, "ordinary": False})


def _security(gateway: SimulatedGateway, name: str, strike: float, right: Right) -> Security:
    return gateway.market.book.option(name, DECEMBER, Decimal(str(strike)), right)


def _hold(gateway: SimulatedGateway, security: Security, quantity: int, cost: str = "0") -> None:
    """Put a holding into the account, as if it had been there for long."""
    account = gateway.exchange.accounts[ACCOUNT]
    account.exchange_holding(
        security.con_id,
        HoldingRecord(
            con_id=security.con_id, quantity=Decimal(quantity), average_cost=Decimal(cost)
        ),
    )
    with gateway.ledger.transaction():
        gateway.ledger.save_account(account.record())


def _quantity(gateway: SimulatedGateway, security: Security) -> Decimal:
    return gateway.exchange.accounts[ACCOUNT].quantity(security.con_id)


def _to_next_morning(gateway: SimulatedGateway) -> None:
    gateway.clock.advance(timedelta(hours=6, minutes=5))


async def test_a_short_call_is_assigned_before_a_dividend_worth_more_than_its_time_value(
    start_gateway: StartGateway, connect: Connect
):
    paid = Dividend(symbol="AAPL", ex_date=TUESDAY, pay_date=DECEMBER, amount=Decimal(3))
    gateway = await start_gateway(events=_plan(paid), messages_per_second=0)
    deep, shallow = (_security(gateway, "AAPL", k, Right.CALL) for k in (220, 270))
    shares = gateway.market.book.underlying("AAPL")
    _hold(gateway, deep, -1, "5000")
    _hold(gateway, shallow, -1, "600")
    ib = await connect(gateway)
    before, cash = _quantity(gateway, shares), gateway.exchange.accounts[ACCOUNT].cash
    calls, fills = len(ib.calls), len(ib.fills())
    _to_next_morning(gateway)
    await settle(ib)
    held = {p.contract.conId: p.position for p in ib.positions()}
    assert deep.con_id not in held
    assert held[shallow.con_id] == -1
    assert held[shares.con_id] == before - 100
    # Nothing but the positions tells of it.
    assert not {"execDetails", "openOrder", "orderStatus"} & set(ib.names_since(calls))
    assert len(ib.fills()) == fills
    (assignment,) = gateway.ledger.lifecycle("assignment")
    assert assignment.cash == gateway.exchange.accounts[ACCOUNT].cash - cash == 22_000


async def test_a_short_put_without_time_value_is_assigned_within_some_nights(
    start_gateway: StartGateway,
):
    gateway = await start_gateway(events=_plan())
    deep, near = (_security(gateway, "AAPL", k, Right.PUT) for k in (350, 270))
    index = _security(gateway, "XSP", 750, Right.PUT)
    for put in (deep, near, index):
        _hold(gateway, put, -2)
    for _ in range(14):
        gateway.clock.advance(timedelta(days=1))
        if not _quantity(gateway, deep):
            break
    assert _quantity(gateway, deep) == 0
    assert gateway.ledger.lifecycle("assignment")[0].con_id == deep.con_id
    # The European one waits for its expiry, however deep.
    assert _quantity(gateway, index) == -2


async def test_a_dividend_is_owed_from_the_ex_date_and_paid_on_its_day(
    start_gateway: StartGateway, connect: Connect
):
    pay = date(2026, 12, 1)
    paid = Dividend(symbol="MSFT", ex_date=TUESDAY, pay_date=pay, amount=Decimal("2.5"))
    gateway = await start_gateway(events=_plan(paid), messages_per_second=0)
    shares, quantity = gateway.market.book.underlying("MSFT"), 100
    assert _quantity(gateway, shares) == quantity
    cash = gateway.exchange.accounts[ACCOUNT].cash
    _to_next_morning(gateway)
    values = gateway.exchange.values(ACCOUNT)
    assert values.accrued_dividends == 250
    assert values.tags()["AccruedDividend"] == ("250.00", "USD")
    while gateway.clock.now().astimezone(NEW_YORK).date() < pay:
        gateway.clock.advance(timedelta(days=1))
    account = gateway.exchange.accounts[ACCOUNT]
    booked = sum(e.cash for e in gateway.ledger.lifecycle())
    assert [e.cash for e in gateway.ledger.lifecycle("dividend")] == [250]
    assert account.cash == cash + booked
    assert account.dividends_due == ()


async def test_who_is_short_owes_the_dividend(start_gateway: StartGateway):
    paid = Dividend(symbol="IWM", ex_date=TUESDAY, pay_date=TUESDAY, amount=Decimal(1))
    gateway = await start_gateway(events=_plan(paid))
    _hold(gateway, gateway.market.book.underlying("IWM"), -300)
    _to_next_morning(gateway)
    assert [e.cash for e in gateway.ledger.lifecycle("dividend")] == [-300]


async def test_cash_earns_interest_by_the_calendar_day_booked_on_the_first(
    start_gateway: StartGateway,
):
    gateway = await start_gateway(events=_plan())
    cash = gateway.exchange.accounts[ACCOUNT].cash
    daily = (cash - 10_000) * Decimal("0.035") / 360
    _to_next_morning(gateway)
    assert float(gateway.exchange.accounts[ACCOUNT].accrued_interest) == pytest.approx(float(daily))
    while gateway.clock.now().astimezone(NEW_YORK).date() < date(2026, 12, 1):
        gateway.clock.advance(timedelta(days=1))
    (booked,) = gateway.ledger.lifecycle("interest")
    assert float(booked.cash) == pytest.approx(float(daily) * 8, abs=0.01)
    assert gateway.exchange.accounts[ACCOUNT].cash == cash + booked.cash


@pytest.mark.parametrize(
    ("new", "old", "contracts", "multiplier", "name"),
    [(4, 1, -8, 100, "AAPL"), (3, 2, -2, 150, "AAPL1"), (1, 10, -2, 10, "AAPL1")],
)
async def test_a_split_adjusts_shares_options_and_orders_and_changes_no_wealth(
    start_gateway: StartGateway,
    connect: Connect,
    new: int,
    old: int,
    contracts: int,
    multiplier: int,
    name: str,
):
    split = Split(symbol="AAPL", effective=TUESDAY, new=new, old=old)
    gateway = await start_gateway(events=_plan(split), messages_per_second=0)
    put, shares = _security(gateway, "AAPL", 260, Right.PUT), gateway.market.book.underlying("AAPL")
    _hold(gateway, put, -2, "800")
    held = _quantity(gateway, shares)
    ib = await connect(gateway)
    stock = await qualified(ib, ib_async.Stock("AAPL", "SMART", "USD"))
    order = LimitOrder("BUY", 10, 100, tif="GTC", orderRef="GL-gtc")
    trade = await place(ib, stock, order)
    assert trade.orderStatus.status == "Submitted"
    gateway.clock.advance(timedelta(hours=6))
    # The close is behind; the split is not, when closed hours are not leapt over.
    _to_next_morning(gateway)
    await settle(ib)
    adjusted = gateway.market.book.adjusted(put)
    assert _quantity(gateway, put) == 0
    assert _quantity(gateway, adjusted) == contracts
    assert _quantity(gateway, shares) == held * new / old
    assert trade.orderStatus.status == "Cancelled"
    position = next(p for p in ib.positions() if p.contract.conId == adjusted.con_id)
    assert position.contract.tradingClass == name
    assert int(position.contract.multiplier) == multiplier
    details = await ib.reqContractDetailsAsync(ib_async.Contract(conId=adjusted.con_id))
    assert details[0].contract.localSymbol.split()[0] == name
    assert float(details[0].contract.strike) == pytest.approx(260 * old / new, abs=0.005)
    with pytest.raises(ValueError, match="not found"):
        await _details_of(ib, put.con_id)


async def _details_of(ib: Recorder, con_id: int) -> None:
    if not await ib.reqContractDetailsAsync(ib_async.Contract(conId=con_id)):
        raise ValueError("not found")


async def test_the_night_of_a_split_neither_makes_nor_loses_money(start_gateway: StartGateway):
    split = Split(symbol="AAPL", effective=TUESDAY, new=3, old=2)
    plan = _plan(split)
    gateway = await start_gateway(events=plan, closed=ClosedHours.RUN)
    _hold(gateway, _security(gateway, "AAPL", 255, Right.PUT), -2, "800")
    gateway.clock.advance(timedelta(hours=7))
    before = gateway.exchange.values(ACCOUNT)
    gateway.clock.advance(timedelta(hours=8))
    after = gateway.exchange.values(ACCOUNT)
    assert after.accrued_interest > 0
    gained = after.net_liquidation - after.accrued_interest - before.net_liquidation
    # Strikes are rounded to the cent, and the wider grid of cheaper options moves their middle.
    assert gained == pytest.approx(0, abs=15)


async def test_a_scheduled_event_survives_a_restart_and_the_past_is_closed(tmp_path: Path):
    options = GatewayOptions(data_dir=tmp_path, port=0, speed=0, start=TEN_O_CLOCK)
    split = Split(symbol="AAPL", effective=DECEMBER, new=2, old=1)
    async with SimulatedGateway(options) as gateway:
        gateway.schedule(split)
        late = split.model_copy(update={"effective": date(2026, 11, 23)})
        with pytest.raises(ValueError, match="not after the market's today"):
            gateway.schedule(late)
    async with SimulatedGateway(options) as gateway:
        assert gateway.market.splits("AAPL") == [split]


async def test_a_night_broken_off_anywhere_ends_like_one_that_was_not(tmp_path: Path):
    """Every commit of the night is a place to die."""
    events = _plan(
        Dividend(symbol="AAPL", ex_date=TUESDAY, pay_date=TUESDAY, amount=Decimal(3)),
        Split(symbol="MSFT", effective=TUESDAY, new=2, old=1),
    )

    class Killed(BaseException):
        pass

    async def night(directory: Path, dies_at: int | None) -> tuple[object, int]:
        options = GatewayOptions(
            data_dir=directory, port=0, speed=0, start=TEN_O_CLOCK, events=events
        )
        commits = 0
        try:
            async with SimulatedGateway(options) as gateway:
                _hold(gateway, _security(gateway, "AAPL", 220, Right.CALL), -1, "5000")
                save = gateway.ledger.put

                def put(key: str, value: str) -> None:
                    nonlocal commits
                    save(key, value)
                    if key == "clock":
                        commits += 1
                        if commits == dies_at:
                            raise Killed  # noqa: TRY301 (from within SQLite's transaction)

                gateway.ledger.put = put
                gateway.clock.advance(timedelta(hours=6, minutes=5))
                gateway.ledger.put = save
        except Killed:
            gateway.ledger.put = save
        async with SimulatedGateway(options) as gateway:
            if gateway.clock.now() < datetime(2026, 11, 24, 14, 25, tzinfo=UTC):
                gateway.clock.advance(timedelta(hours=6, minutes=5))
            record = gateway.exchange.accounts[ACCOUNT].record()
            return (record, gateway.ledger.lifecycle(), gateway.clock.now()), commits

    whole, commits = await night(tmp_path / "whole", None)
    assert commits > 4
    for at in range(1, commits + 1):
        broken, _ = await night(tmp_path / f"broken-{at}", at)
        assert broken == whole, f"killed in commit {at}"


async def test_every_client_is_dropped_at_the_nightly_reset_and_may_come_back(
    start_gateway: StartGateway, connect: Connect
):
    gateway = await start_gateway(
        closed=ClosedHours.RUN, nightly_reset="23:45", reset_seconds=0.2, messages_per_second=0
    )
    ib = await connect(gateway)
    gateway.clock.advance(timedelta(hours=13, minutes=44))
    await settle(ib)
    assert ib.isConnected()
    gateway.clock.advance(timedelta(minutes=2))
    await until(lambda: not ib.isConnected())
    await until(lambda: not gateway.faults.refusing)
    assert (await connect(gateway, 2)).isConnected()


async def test_midnight_takes_executions_and_completed_orders_from_sight(
    start_gateway: StartGateway, connect: Connect
):
    gateway = await start_gateway(closed=ClosedHours.RUN, messages_per_second=0)
    ib = await connect(gateway)
    stock = await qualified(ib, ib_async.Stock("SPY", "SMART", "USD"))
    await quoted(ib, stock)
    await place(ib, stock, MarketOrder("BUY", 5, orderRef="GL-day"))
    gateway.clock.advance(timedelta(hours=13, minutes=59))
    assert len(await ib.reqExecutionsAsync()) == 1
    assert len(await ib.reqCompletedOrdersAsync(False)) == 1
    gateway.clock.advance(timedelta(minutes=2))
    assert await ib.reqExecutionsAsync() == []
    assert await ib.reqCompletedOrdersAsync(False) == []
    assert len(gateway.ledger.executions("GL-day")) == 1


def test_the_agenda_of_a_weekend_has_its_nights_but_no_session():
    agenda = Agenda(trading_calendar())
    at, seen = datetime(2026, 12, 4, 22, 0, tzinfo=UTC), []
    while at < datetime(2026, 12, 7, 14, 30, tzinfo=UTC):
        appointment = agenda.after(at)
        at = appointment.at
        seen += appointment.duties
    assert seen == [Duty.ASSIGN, Duty.NEW_DATE, Duty.NEW_DATE, Duty.NEW_DATE, Duty.OPEN]
