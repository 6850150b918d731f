"""One login that serves several accounts: what is one account's stays with it.

The login serves three. The desk is set up for two; of the third it must only tell.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, SyncReport, SyncRequest
from activities.orders import PreparedOutcome
from activities.reconciliation import GatewayRef, ReconciliationActivities
from domain.errors import ErrorCode, GreenlightError
from domain.orders import OrderState
from domain.ports.reconciliation import ReconciliationReport
from infra.db import models as m
from infra.db.facts import PostgresFacts
from infra.db.reconciliation import PostgresReconciliation
from infra.db.session import create_engine, sessions
from infra.gateways import NewAccount, add_account
from infra.settings import Settings
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, SLUG, Approval

pytestmark = pytest.mark.integration
FIRST, SECOND, STRANGER = ACCOUNT, "DU1000002", "DU1000003"


class AdviserWorld:
    """The world of one account, with a second one of another portfolio."""

    def __init__(self, world: BrokerWorld) -> None:
        self.world = world
        self.ids: dict[str, UUID] = {}

    async def furnish(self, database_url: str) -> None:
        wanted = NewAccount(code=SECOND, gateway=SLUG, portfolio="Growth")
        await add_account(Settings(database_url=database_url), wanted)
        self.ids = {row.code: row.id for row in await self.world.desk.all(m.BrokerAccount)}

    async def offer_to(self, code: str) -> None:
        """Let what is proposed from now on be a strategy's of that account."""
        owners = self.world.desk.owners
        async with self.world.sessions.begin() as session:
            account = await session.get_one(m.BrokerAccount, self.ids[code])
            instance = m.StrategyInstance(
                strategy_version_id=owners["strategy_version_id"],
                portfolio_id=account.portfolio_id,
                broker_account_id=account.id,
                name=f"SPY wheel of {code}",
                config={},
            )
            session.add(instance)
            await session.flush()
            owners |= {
                "strategy_instance_id": instance.id,
                "portfolio_id": account.portfolio_id,
                "broker_account_id": account.id,
            }

    async def approve(self, code: str, *, resting: bool = False, **terms: Any) -> Approval:
        return await self.world.approve(account_code=code, resting=resting, **terms)

    async def sync(self) -> SyncReport:
        session = self.world.session
        facts = FactsReader(session.broker, PostgresFacts(self.world.sessions))
        activities = IngestionActivities(session.broker, session.ingestion, facts)
        run = ActivityEnvironment().run
        await run(activities.sync_ibkr_account_snapshot, SyncRequest(gateway=SLUG))
        return await run(activities.sync_ibkr_positions, SyncRequest(gateway=SLUG))

    async def reconcile(self) -> ReconciliationReport:
        session = self.world.session
        activities = ReconciliationActivities(
            session.broker,
            PostgresReconciliation(self.world.sessions, session.ledger),
            session.announce,
        )
        return await ActivityEnvironment().run(activities.reconcile, GatewayRef(gateway=SLUG))

    async def positions(self, code: str) -> dict[str, m.Position]:
        """What the account holds by our record, by instrument key."""
        async with self.world.sessions() as session:
            rows = await session.execute(
                select(m.Instrument.key, m.Position)
                .join(m.Position, m.Position.instrument_id == m.Instrument.id)
                .where(m.Position.broker_account_id == self.ids[code])
            )
            return dict(rows.all())

    async def unknown_accounts(self) -> list[str]:
        """Subjects of the open alerts on accounts that are not set up."""
        return [
            alert.subject
            for alert in await self.world.desk.all(m.Alert)
            if alert.code == "UNKNOWN_ACCOUNT" and alert.state is not m.AlertState.CLEARED
        ]


@pytest.fixture
async def adviser(database_url: str, tmp_path: Path) -> AsyncIterator[AdviserWorld]:
    engine = create_engine(database_url)
    accounts = (FIRST, SECOND, STRANGER)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine), accounts) as world:
            built = AdviserWorld(world)
            await built.furnish(database_url)
            yield built
    finally:
        await engine.dispose()


async def test_an_approved_order_of_the_second_account_trades_in_it_and_in_no_other(
    adviser: AdviserWorld,
):
    world = adviser.world
    await adviser.sync()
    before = await adviser.positions(FIRST)
    cash_before = world.gateway.exchange.accounts[FIRST].cash
    await adviser.offer_to(SECOND)
    approval = await adviser.approve(SECOND)

    prepared = await world.prepare(approval)
    assert (prepared.outcome, prepared.reason) == (PreparedOutcome.ORDER, "")
    assert prepared.order is not None
    key = prepared.order.order_key
    await world.place(key)
    (sent,) = world.at_broker(key)
    assert sent.terms.account == SECOND
    world.trade_until_filled(key)
    await world.until_state(key, OrderState.FILLED)
    await world.session.listener.drained()
    await adviser.sync()

    (execution,) = await world.desk.all(m.Execution)
    assert execution.broker_account_id == adviser.ids[SECOND]
    put = (await world.put()).key
    assert (await adviser.positions(SECOND))[put].quantity == -1
    after = await adviser.positions(FIRST)
    assert {k: p.quantity for k, p in after.items()} == {k: p.quantity for k, p in before.items()}
    assert world.gateway.exchange.accounts[FIRST].cash == cash_before
    report = await adviser.reconcile()
    assert report.accounts == (FIRST, SECOND)
    assert {row.type.value for row in await world.desk.all(m.Discrepancy)} == {"UNKNOWN_ACCOUNT"}


async def test_a_working_order_of_one_account_is_not_missed_on_the_other(adviser: AdviserWorld):
    """One look reads the books of the whole login, and judges each account by its own part."""
    world = adviser.world
    await adviser.sync()
    await adviser.reconcile()
    await adviser.offer_to(SECOND)
    prepared = await world.prepare(await adviser.approve(SECOND, resting=True))
    assert prepared.order is not None, prepared.reason
    await world.place(prepared.order.order_key)
    await world.until_state(prepared.order.order_key, OrderState.WORKING)
    for _ in range(3):
        world.gateway.clock.advance(timedelta(minutes=1))
        await adviser.reconcile()
    found = {(row.type.value, row.subject) for row in await world.desk.all(m.Discrepancy)}
    assert found == {("UNKNOWN_ACCOUNT", STRANGER)}


async def test_each_account_behind_a_login_has_values_and_valued_positions_of_its_own(
    adviser: AdviserWorld,
):
    adviser.world.gateway.exchange.accounts[SECOND].cash += 12_345
    report = await adviser.sync()
    assert (sorted(report.accounts), report.errors) == ([FIRST, SECOND], ())
    for code in (FIRST, SECOND):
        held = await adviser.positions(code)
        assert held
        assert all(row.market_value for row in held.values()), code
    cash = {
        row.broker_account_id: row.cash for row in await adviser.world.desk.all(m.AccountSnapshot)
    }
    assert cash[adviser.ids[SECOND]] - cash[adviser.ids[FIRST]] == Decimal(12_345)


async def test_an_account_the_login_serves_and_the_desk_does_not_know_is_told_until_it_is_set_up(
    adviser: AdviserWorld, database_url: str
):
    await adviser.reconcile()
    assert await adviser.unknown_accounts() == [STRANGER]
    wanted = NewAccount(code=STRANGER, gateway=SLUG, portfolio="Growth")
    await add_account(Settings(database_url=database_url), wanted)
    report = await adviser.reconcile()
    assert await adviser.unknown_accounts() == []
    assert report.accounts == (FIRST, SECOND, STRANGER)


async def test_an_account_the_desk_does_not_know_is_not_traded_whatever_the_terms_say(
    adviser: AdviserWorld,
):
    """The gateway would take the order; terms that slipped in under another's name get none."""
    world = adviser.world
    approval = await adviser.approve(STRANGER)
    prepared = await world.prepare(approval)
    assert (prepared.outcome, prepared.code) == (
        PreparedOutcome.NOT_APPROVED,
        ErrorCode.TERMS_CHANGED,
    )
    with pytest.raises(GreenlightError):
        await world.desk.ready(world.session.ledger, approval)
    assert await world.desk.all(m.Order) == []


async def test_one_accounts_approval_does_not_trade_in_the_other(adviser: AdviserWorld):
    prepared = await adviser.world.prepare(await adviser.approve(SECOND))
    assert (prepared.outcome, prepared.code) == (
        PreparedOutcome.NOT_APPROVED,
        ErrorCode.TERMS_CHANGED,
    )
