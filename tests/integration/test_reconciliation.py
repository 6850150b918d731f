"""Reconciliation against a real gateway in this process: what is found, adopted, told, halted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import ib_async
import pytest
from sqlalchemy import update
from temporalio.testing import ActivityEnvironment

from activities.reconciliation import GatewayRef, ReconciliationActivities
from domain.discrepancies import DiscrepancyType
from domain.instruments import Right
from domain.orders import OrderState
from domain.ports.reconciliation import BrokerLook, DescribedContract, ReconciliationReport
from domain.position_events import PositionEventKind
from domain.risk.limits import TradingState
from infra.db import models as m
from infra.db.reconciliation import PostgresReconciliation
from infra.db.session import create_engine, sessions
from infra.ibkr.mapping import ib_option
from infra.simulator.accounts import Account
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, SLUG

pytestmark = pytest.mark.integration
AAPL = 10004
T = DiscrepancyType


class LaterLooks:
    """The gateway's session, each look at a host time of its own, well after the last."""

    def __init__(self, world: BrokerWorld) -> None:
        self._world = world
        self._later = timedelta(0)

    async def look(self, account_codes: Sequence[str]) -> BrokerLook:
        seen = await self._world.session.broker.look(account_codes)
        self._later += timedelta(seconds=5)
        books = seen.books.model_copy(update={"began_at": seen.books.began_at + self._later})
        return seen.model_copy(update={"books": books})

    async def describe(self, con_id: int) -> DescribedContract:
        return await self._world.session.broker.describe(con_id)


class Reconciled:
    """The world, reconciliation's one verb, and what a person does at the broker."""

    def __init__(self, world: BrokerWorld) -> None:
        self.world = world
        self.desk = world.desk
        self.tws = world.gateway.tws
        self._looks = LaterLooks(world)

    async def look(self, times: int = 1) -> ReconciliationReport:
        """Reconcile ``times`` times; the last report."""
        assert times > 0
        session = self.world.session
        store = PostgresReconciliation(self.world.sessions, session.ledger)
        activities = ReconciliationActivities(self._looks, store, session.announce)
        reports = [
            await ActivityEnvironment().run(activities.reconcile, GatewayRef(gateway=SLUG))
            for _ in range(times)
        ]
        return reports[-1]

    @property
    def at_broker(self) -> Account:
        return self.world.gateway.exchange.accounts[ACCOUNT]

    def take_shares(self, quantity: int) -> None:
        """Shares leave the account (or come to it) by no trade, at the cost they had."""
        held = self.at_broker.holding(AAPL)
        self.at_broker._put(AAPL, held.quantity - quantity, held.average_cost)

    def assign(self, con_id: int) -> None:
        """All of a short option is assigned: it is gone and the shares change hands."""
        book = self.world.gateway.exchange.book
        option = book.by_id(con_id)
        assert option is not None
        worthless = Decimal("0.01") if option.right is Right.PUT else Decimal(10_000)
        self.at_broker.settle_option(option, book.underlying(option.symbol), worthless)

    async def open(self, *, raised: bool = True) -> list[m.Discrepancy]:
        rows = await self.desk.all(m.Discrepancy)
        return [
            row for row in rows if row.cleared_at is None and (row.raised_at is not None) is raised
        ]

    async def open_types(self) -> list[str]:
        return sorted(row.type.value for row in await self.open())

    async def open_alerts(self) -> list[str]:
        alerts = await self.desk.all(m.Alert)
        return sorted(each.code for each in alerts if each.state is not m.AlertState.CLEARED)

    async def account(self) -> m.BrokerAccount:
        (account,) = [each for each in await self.desk.all(m.BrokerAccount) if each.code == ACCOUNT]
        return account

    async def events(self) -> list[m.PositionEvent]:
        return await self.desk.all(m.PositionEvent)


@pytest.fixture
async def books(database_url: str, tmp_path: Path) -> AsyncIterator[Reconciled]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield Reconciled(built)
    finally:
        await engine.dispose()


async def test_the_first_look_takes_what_is_held_as_the_opening(books: Reconciled):
    report = await books.look()
    assert report.raised == ()
    account = await books.account()
    assert account.reconciled_at is not None
    held = {row.con_id: row.quantity for row in await books.desk.all(m.ReconciledPosition)}
    assert held[AAPL] == 200
    assert await books.open() == []


async def test_an_account_nothing_happened_to_agrees_at_every_look(books: Reconciled):
    await books.look(3)
    assert await books.open(raised=False) == []
    assert await books.open_types() == []
    assert await books.events() == []


async def test_a_trade_by_hand_is_adopted_told_once_and_explains_its_position(books: Reconciled):
    await books.look()
    books.tws.trade(AAPL, "BUY", 10, "250.00")
    await books.look(3)
    assert await books.open_types() == ["EXTERNAL_FILL"]
    (execution,) = await books.desk.all(m.Execution)
    assert execution.order_id is None
    assert execution.instrument_id is not None
    assert (await books.account()).trading_state is TradingState.ACTIVE
    assert len([a for a in await books.desk.all(m.Alert) if a.code == "EXTERNAL_FILL"]) == 1


async def test_a_trade_by_hand_in_a_contract_never_seen_is_matched_to_an_instrument(
    books: Reconciled,
):
    await books.look()
    put = await books.world.put(600)
    books.tws.trade(put.con_id, "SELL", 1, "2.00")
    await books.look(2)
    (execution,) = await books.desk.all(m.Execution)
    assert execution.instrument_id is not None
    assert await books.open_types() == ["EXTERNAL_FILL"]


async def test_an_order_by_hand_is_adopted_while_it_works_and_cleared_when_it_ends(
    books: Reconciled,
):
    await books.look()
    put = await books.world.put()
    order = books.tws.order(put.con_id, "SELL", 2, 90)
    report = await books.look()
    assert report.raised == (f"EXTERNAL_ORDER {ACCOUNT}:{order.perm_id}",)
    (adopted,) = await books.desk.all(m.ExternalOrder)
    assert (adopted.quantity, adopted.ended_at) == (2, None)
    books.tws.cancel(order.perm_id)
    report = await books.look()
    assert report.cleared == (f"EXTERNAL_ORDER {ACCOUNT}:{order.perm_id}",)
    (adopted,) = await books.desk.all(m.ExternalOrder)
    assert adopted.ended_at is not None
    assert "EXTERNAL_ORDER" not in await books.open_alerts()


async def test_an_order_by_hand_counts_as_a_duplicate_and_against_the_cash(books: Reconciled):
    await books.look()
    approval = await books.world.approve()
    put = await books.world.put()
    books.tws.order(put.con_id, "SELL", 2, 90)
    await books.look()
    context = await books.world.session.ledger.trade_context(
        approval.recommendation_id, approval.decision_id
    )
    assert len(context.open_order_keys) == 1
    assert context.committed_assignment_cash == 2 * 640 * 100


async def test_what_trades_between_a_look_and_its_comparison_is_no_difference(books: Reconciled):
    await books.look()
    session = books.world.session
    store = PostgresReconciliation(books.world.sessions, session.ledger)
    read_before = await session.broker.look([ACCOUNT])
    key = await books.world.ready(resting=False)
    await books.world.place(key)
    books.world.trade_until_filled(key)
    await books.world.until_state(key, OrderState.FILLED)
    await session.listener.drained()
    report = await store.reconcile(SLUG, read_before, [])
    assert report.unconfirmed == report.raised == ()
    assert (await books.look()).unconfirmed == ()


async def test_a_position_that_nothing_explains_halts_the_account_at_the_second_look(
    books: Reconciled,
):
    await books.look()
    books.take_shares(50)
    report = await books.look()
    assert report.raised == ()
    assert report.unconfirmed
    assert (await books.account()).trading_state is TradingState.ACTIVE
    report = await books.look()
    assert report.raised == (f"POSITION_MISMATCH {ACCOUNT}:{AAPL}",)
    account = await books.account()
    assert account.trading_state is TradingState.HALTED
    assert "AAPL" in account.trading_state_reason
    (found,) = [row for row in await books.open() if row.type is T.POSITION_MISMATCH]
    assert (found.expected, found.actual) == ("200", "150")
    assert found.instrument_id is not None


async def test_a_mismatch_that_lasts_is_told_once_and_cleared_when_it_is_gone(books: Reconciled):
    await books.look()
    books.take_shares(50)
    await books.look(4)
    books.take_shares(-50)
    report = await books.look()
    assert f"POSITION_MISMATCH {ACCOUNT}:{AAPL}" in report.cleared
    alerts = [a for a in await books.desk.all(m.Alert) if a.code == "POSITION_MISMATCH"]
    assert [alert.state for alert in alerts] == [m.AlertState.CLEARED]


async def test_a_person_who_resumes_the_account_is_not_overruled_by_the_same_mismatch(
    books: Reconciled,
):
    await books.look()
    books.take_shares(50)
    await books.look(2)
    async with books.world.sessions.begin() as session:
        await session.execute(update(m.BrokerAccount).values(trading_state=TradingState.ACTIVE))
    await books.look(2)
    assert (await books.account()).trading_state is TradingState.ACTIVE


async def test_our_own_fill_explains_its_position_and_its_cash(books: Reconciled):
    await books.look()
    key = await books.world.ready(resting=False)
    await books.world.place(key)
    books.world.trade_until_filled(key)
    await books.world.until_state(key, OrderState.FILLED)
    await books.world.session.listener.drained()
    await books.look(3)
    assert await books.open_types() == []
    assert (await books.open(raised=False)) == []


async def test_what_filled_while_the_worker_was_away_is_no_mismatch(books: Reconciled):
    await books.look()
    key = await books.world.working()
    await books.world.stop()
    books.tws.amend(books.world.at_broker(key)[0].perm_id, limit_price="0.05")
    await books.world.start()
    await books.look(2)
    assert "POSITION_MISMATCH" not in await books.open_types()


async def test_cash_that_nothing_explains_is_told_after_the_broker_had_time_to_refresh(
    books: Reconciled,
):
    await books.look()
    books.at_broker.cash += 5_000
    await books.look(2)
    assert await books.open_types() == []
    books.world.gateway.clock.advance(timedelta(minutes=5))
    await books.look()
    assert await books.open_types() == ["CASH_MISMATCH"]
    assert (await books.account()).trading_state is TradingState.ACTIVE


async def test_an_order_with_a_key_of_ours_that_is_not_on_record_is_an_orphan(books: Reconciled):
    await books.look()
    other = ib_async.IB()
    await other.connectAsync("127.0.0.1", books.world.gateway.port, clientId=99)
    order = ib_async.LimitOrder("SELL", 1, 90.0, orderRef="GL-0123456789abcdef01234567")
    other.placeOrder(ib_option(await books.world.put()), order)
    await other.reqCurrentTimeAsync()
    report = await books.look()
    other.disconnect()
    assert report.raised == ("ORPHAN_ORDER GL-0123456789abcdef01234567",)
    assert "ORPHAN_ORDER" in await books.open_alerts()


async def test_an_account_that_is_not_set_up_is_named(books: Reconciled):
    async with books.world.sessions.begin() as session:
        await session.execute(update(m.BrokerAccount).values(code="DU9999999"))
    await books.look()
    assert await books.open_types() == ["UNKNOWN_ACCOUNT"]
    (alert,) = [a for a in await books.desk.all(m.Alert) if a.code == "UNKNOWN_ACCOUNT"]
    assert alert.subject == ACCOUNT


# --- events ----------------------------------------------------------------------------------


async def test_a_short_put_assigned_early_is_booked_as_an_assignment_and_halts_nothing(
    books: Reconciled,
):
    await books.look()
    put = await books.world.put(700)
    books.tws.trade(put.con_id, "SELL", 1, "50.00")
    await books.look()
    books.assign(put.con_id)
    report = await books.look(2)
    assert (await books.account()).trading_state is TradingState.ACTIVE
    assert "POSITION_MISMATCH" not in await books.open_types()
    events = await books.events()
    assert [event.kind for event in events] == [PositionEventKind.ASSIGNMENT] * 2
    shares = next(event for event in events if event.cause_con_id == put.con_id)
    assert (shares.quantity, shares.cash) == (100, -70_000)
    assert await books.open(raised=False) == []
    assert report.is_steady


async def test_what_expires_at_the_close_is_booked_as_an_expiry(books: Reconciled):
    await books.look()
    put = await books.world.put(560)
    books.tws.trade(put.con_id, "SELL", 1, "0.05")
    await books.look()
    books.world.gateway.clock.advance(timedelta(days=26))
    await books.world.synced()
    await books.look(2)
    events = [event for event in await books.events() if event.con_id == put.con_id]
    assert [event.kind for event in events] == [PositionEventKind.EXPIRY]
    assert "POSITION_MISMATCH" not in await books.open_types()
