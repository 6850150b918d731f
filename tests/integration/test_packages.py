"""A roll on a real gateway: one order, one net price, three reports of every fill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import select
from temporalio.testing import ActivityEnvironment

from activities.orders import OrderView, PreparedOutcome, PrepareOrder
from domain.errors import ErrorCode
from domain.instruments import Side
from domain.orders import OrderState
from domain.recommendations import DecisionAction, Terms
from infra.db import models as m
from infra.db.decisions import DecisionRequest, record_decision
from infra.db.ingestion import PostgresIngestion
from infra.db.session import create_engine, sessions
from infra.db.strategy_runs import PostgresStrategies
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import ACCOUNT, MONDAY_10, SLUG, Approval
from tests.rolling import propose_roll, short_put

pytestmark = pytest.mark.integration

CLOSE = MONDAY_10.replace(hour=21)


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def approve_roll(world: BrokerWorld) -> tuple[Approval, Terms]:
    """The account's short SPY put, offered for a roll as a strategy would, and approved."""
    async with world.sessions.begin() as session:
        instance = await session.scalar(select(m.StrategyInstance))
        assert instance is not None
        instance.config = {"universe": ["SPY"]}
        instance_id = instance.id
    strategies = PostgresStrategies(world.sessions)
    plan = await strategies.begin_run(instance_id, "roll")
    assert (plan.gateway, plan.account_code) == (SLUG, ACCOUNT)
    recommendation_id = await propose_roll(
        world.session.broker, PostgresIngestion(world.sessions), strategies, plan, CLOSE
    )
    async with world.sessions.begin() as session:
        row = await session.get(m.Recommendation, recommendation_id)
        assert row is not None
        terms = Terms.model_validate(row.terms)
        decided = await record_decision(
            session,
            DecisionRequest(
                recommendation_id=recommendation_id,
                action=DecisionAction.APPROVE,
                user_id=world.desk.user_id,
                user_email="p@desk.test",
                terms_hash=row.terms_hash,
                idempotency_key=f"key-{recommendation_id}",
            ),
        )
    return Approval(recommendation_id, decided.id), terms


async def sent(world: BrokerWorld, approval: Approval) -> OrderView:
    prepared = await world.prepare(approval)
    assert prepared.outcome is PreparedOutcome.ORDER, prepared
    assert prepared.order is not None
    return await world.place(prepared.order.order_key)


async def executions(world: BrokerWorld) -> list[m.Execution]:
    await world.session.listener.drained()
    return await world.desk.all(m.Execution)


async def test_a_roll_goes_out_once_as_one_package_and_comes_back_leg_by_leg(world: BrokerWorld):
    approval, terms = await approve_roll(world)
    assert terms.limit_price < 0, "the later put is the dearer one"
    view = await sent(world, approval)
    (at_broker,) = world.at_broker(view.order_key)
    legs = {(leg.con_id, leg.side, leg.ratio) for leg in at_broker.terms.legs}
    assert legs == {(leg.contract.con_id, leg.side, 1) for leg in terms.legs}
    assert at_broker.terms.side is Side.BUY
    assert at_broker.terms.limit_price == view.limit_price

    world.trade_until_filled(view.order_key)
    await world.until_state(view.order_key, OrderState.FILLED)
    package, bought, sold = sorted(await executions(world), key=lambda row: row.exec_id)
    assert (package.is_package, package.instrument_id, package.commission) == (True, None, None)
    for row, leg in zip((bought, sold), terms.legs, strict=True):
        assert (row.is_package, row.side, row.quantity) == (False, leg.side, 1)
        assert row.con_id == leg.contract.con_id
        assert row.commission is not None
    order = await world.desk.order(view.order_key)
    assert {row.order_id for row in (package, bought, sold)} == {order.id}
    assert order.filled_quantity == 1
    assert order.average_price == bought.price - sold.price == package.price
    async with world.sessions() as session:
        instruments = [
            await session.get_one(m.Instrument, row.instrument_id) for row in (bought, sold)
        ]
    assert [row.key for row in instruments] == [leg.contract.key for leg in terms.legs]


async def test_after_a_roll_the_account_holds_the_new_put_in_place_of_the_old_one(
    world: BrokerWorld,
):
    approval, terms = await approve_roll(world)
    view = await sent(world, approval)
    world.trade_until_filled(view.order_key)
    await world.until_state(view.order_key, OrderState.FILLED)
    held = await short_put(world.session.broker, ACCOUNT, "SPY")
    assert held.option == terms.legs[1].contract
    assert held.quantity == -1


async def test_a_resting_roll_survives_a_restart_and_its_cancel_is_proven(world: BrokerWorld):
    approval, terms = await approve_roll(world)
    view = await sent(world, approval)
    assert view.state is OrderState.WORKING
    await world.stop()
    await world.start()
    assert (await world.resolve(view.order_key)).state is OrderState.WORKING
    cancelled = await world.cancel(view.order_key)
    assert (cancelled.state, cancelled.filled) == (OrderState.CANCELLED, 0)
    assert len(world.at_broker(view.order_key)) == 1
    # The next attempt of the same approval walks towards the floor and never past it.
    later = PrepareOrder(
        recommendation_id=approval.recommendation_id,
        decision_id=approval.decision_id,
        price_step=4,
        price_steps=4,
    )
    walked = await ActivityEnvironment().run(world.orders.prepare_order, later)
    assert walked.order is not None, walked
    assert view.limit_price < walked.order.limit_price <= terms.floor_price


async def test_a_corrected_leg_corrects_the_net_price_and_replaces_its_execution(
    world: BrokerWorld,
):
    approval, terms = await approve_roll(world)
    view = await sent(world, approval)
    world.trade_until_filled(view.order_key)
    await world.until_state(view.order_key, OrderState.FILLED)
    before = await world.desk.order(view.order_key)
    assert before.average_price is not None
    sold_con_id = terms.legs[1].contract.con_id
    (leg,) = [row for row in await executions(world) if row.con_id == sold_con_id]
    price = leg.price - Decimal("0.10")
    world.gateway.faults.correct_execution(leg.exec_id, price=price)

    async def corrected() -> bool:
        after = (await world.desk.order(view.order_key)).average_price
        return after == before.average_price + Decimal("0.10")

    await world.until(corrected)
    assert await world.desk.state(view.order_key) is OrderState.FILLED
    of_leg = [row for row in await executions(world) if row.con_id == sold_con_id]
    assert sorted((row.superseded, row.price) for row in of_leg) == [
        (False, price),
        (True, leg.price),
    ]


async def test_a_roll_of_what_is_not_held_any_more_is_denied(world: BrokerWorld):
    first, _ = await approve_roll(world)
    view = await sent(world, first)
    world.trade_until_filled(view.order_key)
    await world.until_state(view.order_key, OrderState.FILLED)
    async with world.sessions() as session:
        row = await session.get_one(m.Recommendation, first.recommendation_id)
        terms = Terms.model_validate(row.terms)
    world.desk.instruments[terms.contract.con_id] = row.instrument_id
    again = await world.desk.approve(
        terms.contract,
        **{name: getattr(terms, name) for name in Terms.model_fields if name != "account_code"},
    )
    denied = await world.prepare(again)
    assert (denied.outcome, denied.code) == (PreparedOutcome.DENIED, ErrorCode.OUTSIDE_TERMS)
