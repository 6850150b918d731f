"""Limits in Postgres binding real orders: what refuses, and what an order keeps of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from activities.orders import PreparedOutcome
from domain.errors import ErrorCode
from domain.risk.limits import Limits, LimitScope
from infra.db import models as m
from infra.db.audit import Actor
from infra.db.limits import LimitsChange, LimitsSubject, set_limits
from infra.db.session import create_engine, sessions
from tests.integration.broker_world import BrokerWorld, broker_world

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
