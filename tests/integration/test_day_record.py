"""What the records say of an account's day: repeated trades, own orders, pace, amounts, losses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from domain.instruments import Leg, OptionContract, Side
from domain.order_evidence import BrokerStatus, CancelRequested
from domain.orders import OrderState
from domain.recommendations import RecommendationAction
from domain.risk.limits import Limits, LimitScope
from domain.risk.pretrade_inputs import DayRecord, RestingOrder
from infra.db import models as m
from infra.db.audit import Actor
from infra.db.clock import account_clock, host_now
from infra.db.day_record import read_account_day
from infra.db.ledger import PostgresLedger
from infra.db.limits import LimitsChange, LimitsSubject, set_limits
from infra.db.session import create_engine, sessions
from tests.integration.broker_answers import books, broker_order, execution
from tests.integration.trading_world import MONDAY_10, PUT, SLUG, SNAPSHOT, TradingWorld

pytestmark = pytest.mark.integration
OTHER_PUT = PUT.model_copy(update={"strike": Decimal(630), "con_id": 700002})
NOTIONAL = Decimal(128_000)
"""Of two 640 puts."""
TUESDAY_10 = MONDAY_10 + timedelta(days=1)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


@pytest.fixture
async def ledger(world: TradingWorld) -> PostgresLedger:
    return (await world.leased_ledger())[0]


async def record(
    world: TradingWorld, ledger: PostgresLedger, contract: OptionContract = PUT, **terms: Any
) -> DayRecord:
    """The record in which a further approval on the contract would be judged."""
    late = {"deadline": MONDAY_10 + timedelta(days=3)}
    approval = await world.approve(contract, **late | terms)
    context = await ledger.trade_context(approval.recommendation_id, approval.decision_id)
    assert context.record is not None
    return context.record


def buying(contract: OptionContract = PUT) -> dict[str, Any]:
    return {
        "action": RecommendationAction.CLOSE,
        "legs": (Leg(contract=contract, side=Side.BUY),),
        "floor_price": Decimal("4.30"),
    }


async def market_is_at(world: TradingWorld, at: datetime) -> None:
    async with world.sessions.begin() as session:
        await session.execute(update(m.Gateway).values(market_at=at))


async def change_order(world: TradingWorld, key: str, **values: Any) -> None:
    async with world.sessions.begin() as session:
        await session.execute(update(m.Order).where(m.Order.order_key == key).values(**values))


async def cancelled(world: TradingWorld, ledger: PostgresLedger, key: str) -> None:
    """The order ends at the broker with whatever it has traded."""
    await ledger.record(key, CancelRequested())
    ended = broker_order(key, BrokerStatus.CANCELLED)
    await ledger.record_books(SLUG, books(ended))
    assert await world.state(key) is OrderState.CANCELLED


async def test_a_quiet_day_has_nothing_in_it(world: TradingWorld, ledger: PostgresLedger):
    assert await record(world, ledger) == DayRecord(
        orders_last_minute=0,
        orders_today=0,
        notional_today=Decimal(0),
        same_trades=(),
        opposite_orders=(),
        contracts_under_way=Decimal(0),
        notional_under_way=Decimal(0),
        equity_at_open=Decimal(1_000_000),
    )


# --- the same trade again ------------------------------------------------------------------


async def test_the_same_trade_is_remembered_for_the_window_of_market_time(
    world: TradingWorld, ledger: PostgresLedger
):
    key = await world.sent(ledger)
    assert (await record(world, ledger)).same_trades == (key,)
    await market_is_at(world, MONDAY_10 + timedelta(seconds=200))
    assert (await record(world, ledger)).same_trades == (key,)
    await market_is_at(world, MONDAY_10 + timedelta(seconds=400))
    assert (await record(world, ledger)).same_trades == ()


async def test_another_contract_or_the_other_side_is_another_trade(
    world: TradingWorld, ledger: PostgresLedger
):
    await world.sent(ledger)
    assert (await record(world, ledger, OTHER_PUT)).same_trades == ()
    assert (await record(world, ledger, **buying())).same_trades == ()


async def test_a_trade_that_came_to_nothing_may_be_made_again(
    world: TradingWorld, ledger: PostgresLedger
):
    key = await world.sent(ledger)
    await cancelled(world, ledger, key)
    assert (await record(world, ledger)).same_trades == ()


async def test_the_window_is_a_limit_and_may_be_switched_off(
    world: TradingWorld, ledger: PostgresLedger
):
    await world.sent(ledger)
    change = LimitsChange(
        subject=LimitsSubject(scope=LimitScope.GLOBAL),
        limits=Limits(duplicate_window_seconds=0),
        based_on=0,
        reason="a test",
    )
    async with world.sessions.begin() as session:
        await set_limits(session, change, Actor(name="test"))
    assert (await record(world, ledger)).same_trades == ()


# --- orders of our own ---------------------------------------------------------------------


async def test_an_order_working_on_the_other_side_of_the_contract_is_told_with_its_limit(
    world: TradingWorld, ledger: PostgresLedger
):
    key = await world.sent(ledger)
    crossing = await record(world, ledger, **buying())
    assert crossing.opposite_orders == (RestingOrder(key=key, limit_price=Decimal("4.15")),)
    assert (await record(world, ledger)).opposite_orders == ()
    assert (await record(world, ledger, OTHER_PUT, **buying(OTHER_PUT))).opposite_orders == ()
    await cancelled(world, ledger, key)
    assert (await record(world, ledger, **buying())).opposite_orders == ()


async def test_what_works_on_the_same_underlying_is_under_way_as_far_as_it_is_unfilled(
    world: TradingWorld, ledger: PostgresLedger
):
    key = await world.sent(ledger)
    before = await record(world, ledger, OTHER_PUT)
    assert (before.contracts_under_way, before.notional_under_way) == (2, NOTIONAL)
    await world.record.execution(SLUG, execution(key, quantity=1))
    after = await record(world, ledger, OTHER_PUT)
    assert (after.contracts_under_way, after.notional_under_way) == (1, NOTIONAL / 2)


# --- pace and amounts ----------------------------------------------------------------------


async def test_the_rate_counts_the_last_minute_of_the_records_own_clock(
    world: TradingWorld, ledger: PostgresLedger
):
    keys = [await world.sent(ledger, 1), await world.sent(ledger, 2, OTHER_PUT)]
    assert (await record(world, ledger)).orders_last_minute == 2
    before = (await world.order(keys[0])).sent_at
    assert before is not None
    await change_order(world, keys[0], sent_at=before - timedelta(seconds=61))
    found = await record(world, ledger)
    assert (found.orders_last_minute, found.orders_today) == (1, 2)


async def test_the_day_counts_what_works_in_full_and_of_what_ended_what_it_traded(
    world: TradingWorld, ledger: PostgresLedger
):
    key = await world.sent(ledger)
    assert (await record(world, ledger)).notional_today == NOTIONAL
    await world.record.execution(SLUG, execution(key, quantity=1))
    assert (await record(world, ledger)).notional_today == NOTIONAL
    await cancelled(world, ledger, key)
    found = await record(world, ledger)
    assert (found.orders_today, found.notional_today) == (1, NOTIONAL / 2)


async def test_a_new_exchange_day_begins_from_nothing(world: TradingWorld, ledger: PostgresLedger):
    await world.sent(ledger)
    # Still the same evening in New York, though the next day by UTC.
    await market_is_at(world, MONDAY_10.replace(hour=23) + timedelta(hours=3))
    assert (await record(world, ledger)).orders_today == 1
    await market_is_at(world, TUESDAY_10)
    found = await record(world, ledger)
    assert (found.orders_today, found.notional_today) == (0, 0)


async def test_an_order_that_was_never_sent_counts_for_nothing(
    world: TradingWorld, ledger: PostgresLedger
):
    await world.ready(ledger, await world.approve())
    found = await record(world, ledger, OTHER_PUT)
    assert (found.orders_last_minute, found.orders_today, found.notional_today) == (0, 0, 0)


async def test_other_accounts_orders_are_not_this_ones(world: TradingWorld, ledger: PostgresLedger):
    await world.sent(ledger)
    approval = await world.approve(OTHER_PUT)
    context = await ledger.trade_context(approval.recommendation_id, approval.decision_id)
    async with world.sessions.begin() as session:
        account = await session.get(m.BrokerAccount, world.account_id)
        assert account is not None
        stranger = m.BrokerAccount(
            portfolio_id=account.portfolio_id, gateway_id=world.gateway_id, code="DU9"
        )
        session.add(stranger)
        await session.flush()
        clock = await account_clock(session, stranger.id)
        found, executions = await read_account_day(
            session, stranger.id, context.trade, context.limits.limits, (), clock.now(host_now())
        )
    assert executions == 0
    assert (found.orders_today, found.orders_last_minute, found.notional_today) == (0, 0, 0)
    assert found.equity_at_open is None


# --- the day's first value -----------------------------------------------------------------


async def add_snapshot(world: TradingWorld, as_of: datetime, equity: int) -> None:
    async with world.sessions.begin() as session:
        values = dict.fromkeys(SNAPSHOT, Decimal(0)) | {"net_liquidation": Decimal(equity)}
        session.add(
            m.AccountSnapshot(
                broker_account_id=world.account_id, as_of=as_of, currency="USD", **values
            )
        )


async def test_a_loss_is_measured_from_the_last_value_of_the_day_before(
    world: TradingWorld, ledger: PostgresLedger
):
    await add_snapshot(world, MONDAY_10 + timedelta(hours=2), 950_000)
    assert (await record(world, ledger)).equity_at_open == 1_000_000, "the first of its first day"
    await market_is_at(world, TUESDAY_10)
    await add_snapshot(world, TUESDAY_10 - timedelta(hours=1), 900_000)
    assert (await record(world, ledger)).equity_at_open == 950_000


async def test_an_account_that_was_never_read_has_no_first_value(
    world: TradingWorld, ledger: PostgresLedger
):
    async with world.sessions.begin() as session:
        (snapshot,) = await world.all(m.AccountSnapshot)
        await session.delete(await session.get(m.AccountSnapshot, snapshot.id))
    assert (await record(world, ledger)).equity_at_open is None
