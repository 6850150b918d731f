"""Limits in Postgres binding real orders: what refuses, and what an order keeps of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities import judging
from activities.facts import FactsReader
from activities.ingestion import IngestionActivities, SyncRequest
from activities.orders import PreparedOutcome
from domain.errors import ErrorCode
from domain.risk.answers import NO_LIMIT
from domain.risk.limits import Limits, LimitScope
from infra.db import models as m
from infra.db.audit import Actor
from infra.db.facts import PostgresFacts
from infra.db.limits import LimitsChange, LimitsSubject, set_limits
from infra.db.session import create_engine, sessions
from tests.integration.broker_world import BrokerWorld, broker_world
from tests.integration.trading_world import SLUG

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def limit_the_account(world: BrokerWorld, based_on: int, **limits: Any) -> None:
    change = LimitsChange(
        subject=LimitsSubject(scope=LimitScope.ACCOUNT, owner_id=world.desk.account_id),
        limits=Limits(**limits),
        based_on=based_on,
        reason="a test",
    )
    async with world.sessions.begin() as session:
        await set_limits(session, change, Actor(name="test"))


async def test_an_order_keeps_the_limits_controls_and_preview_it_was_judged_by(world: BrokerWorld):
    await limit_the_account(world, 0, max_contracts=3)
    prepared = await world.prepare(await world.approve())
    assert prepared.order is not None, prepared
    order = await world.desk.order(prepared.order.order_key)
    assert order.limits is not None
    assert order.what_if is not None
    assert order.limits["limits"]["max_contracts"] == 3
    assert order.limits["sources"]["max_contracts"] == ["ACCOUNT"]
    assert [(ref["scope"], ref["version"]) for ref in order.limits["versions"]] == [("ACCOUNT", 1)]
    assert all(rule["passed"] for rule in order.controls)
    assert order.notional == 64_000


async def test_delta_and_vega_after_the_trade_are_told_from_the_first_reading_of_positions_on(
    world: BrokerWorld,
):
    """Nothing limits them, and the market of what is held was never read for a strategy."""
    facts = FactsReader(world.session.broker, PostgresFacts(world.sessions))
    ingestion = IngestionActivities(world.session.broker, world.session.ingestion, facts)
    run = ActivityEnvironment().run
    await run(ingestion.sync_ibkr_account_snapshot, SyncRequest(gateway=SLUG))
    await run(ingestion.sync_ibkr_positions, SyncRequest(gateway=SLUG))
    prepared = await world.prepare(await world.approve(quantity=2))
    assert prepared.order is not None, prepared
    order = await world.desk.order(prepared.order.order_key)
    told = {rule["rule"]: rule for rule in order.controls}
    delta, vega = told["delta_after"], told["vega_after"]
    assert (delta["threshold"], vega["threshold"]) == (NO_LIMIT, NO_LIMIT)
    # About a million: shares for half of it, and what is sold short in options is small.
    assert 0.1 < float(delta["value"]) < 1.5
    assert -0.01 < float(vega["value"]) < 0


async def test_an_order_keeps_our_own_margin_estimate_beside_the_brokers_preview(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    # The first estimate of a process loads the pricing library.
    monkeypatch.setattr(judging, "ESTIMATE_SECONDS", 120)
    prepared = await world.prepare(await world.approve())
    assert prepared.order is not None, prepared
    order = await world.desk.order(prepared.order.order_key)
    assert order.own_margin is not None
    assert order.what_if is not None
    assert order.own_margin["is_estimate"] is True
    assert order.own_margin["group"] == "S&P 500"
    assert order.own_margin["left_out"] == []
    by_rule, by_portfolio = (
        order.own_margin["reg_t_maintenance"],
        order.own_margin["portfolio_maintenance"],
    )
    assert by_rule["change"] == by_rule["after"] - by_rule["before"] > 0
    assert by_portfolio["change"] > 0
    # The simulated gateway asks by rules of its own for this same put.
    asked = float(order.what_if["maint_margin_after"]) - float(order.what_if["maint_margin_before"])
    assert 0.2 < by_portfolio["change"] / asked < 5
    (card,) = await world.desk.all(m.Recommendation)
    assert card.own_margin == order.own_margin


async def test_an_order_does_not_wait_for_an_estimate_that_takes_too_long(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    late = Event()
    monkeypatch.setattr(judging, "ESTIMATE_SECONDS", 0.2)
    monkeypatch.setattr(judging, "_trade_margin", lambda *_: late.wait(30))
    try:
        prepared = await world.prepare(await world.approve())
    finally:
        late.set()
    assert prepared.order is not None, prepared
    order = await world.desk.order(prepared.order.order_key)
    assert order.own_margin is None
    assert order.what_if is not None


async def test_an_estimate_that_fails_refuses_nothing(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise ArithmeticError("no such number")

    monkeypatch.setattr(judging, "_trade_margin", fail)
    prepared = await world.prepare(await world.approve())
    assert prepared.order is not None, prepared
    assert (await world.desk.order(prepared.order.order_key)).own_margin is None


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"restricted_symbols": {"SPY"}}, ErrorCode.SYMBOL_RESTRICTED),
        ({"permitted_strategies": {"theta"}}, ErrorCode.STRATEGY_NOT_PERMITTED),
        ({"max_loss": 1_000}, ErrorCode.MAX_LOSS_EXCEEDED),
        ({"max_daily_notional": 1_000}, ErrorCode.DAILY_NOTIONAL),
    ],
)
async def test_a_limit_set_after_the_offer_refuses_its_approval(
    world: BrokerWorld, limits: dict[str, Any], code: ErrorCode
):
    approval = await world.approve()
    await limit_the_account(world, 0, **limits)
    prepared = await world.prepare(approval)
    assert (prepared.outcome, prepared.code) == (PreparedOutcome.DENIED, code)
    (card,) = await world.desk.all(m.Recommendation)
    assert [rule["code"] for rule in card.controls if not rule["passed"]] == [code]
    assert card.limits["versions"][0]["scope"] == "ACCOUNT"
    assert await world.desk.all(m.Order) == []
