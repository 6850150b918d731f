"""Judging and sending as one activity: what it sends, what it leaves alone, what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy.event import listen, remove

from activities import judging
from activities.orders import PreparedOutcome
from domain.errors import BrokerUnavailable, ErrorCode
from domain.orders import OrderState
from domain.risk.limits import TradingState
from infra.db import models as m
from infra.db.session import create_engine, sessions
from tests.integration.broker_world import BrokerWorld, broker_world

pytestmark = pytest.mark.integration

STATEMENTS_OF_A_CLICK = 45


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


async def test_an_approval_is_judged_and_sent_once_and_keeps_our_own_margin(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    # The first estimate of a process loads the pricing library.
    monkeypatch.setattr(judging, "ESTIMATE_SECONDS", 120)
    prepared = await world.judge_and_send(await world.approve(resting=True))
    assert prepared.order is not None, prepared
    assert prepared.order.state is OrderState.WORKING
    key = prepared.order.order_key
    assert len(world.at_broker(key)) == 1
    order = await world.desk.order(key)
    assert order.own_margin is not None
    assert all(rule["passed"] for rule in order.controls)


async def test_the_price_of_the_next_attempt_is_told_and_nothing_is_made(world: BrokerWorld):
    approval = await world.approve(resting=True)
    order = (await world.judge_and_send(approval)).order
    assert order is not None
    assert (await world.next_price(approval, 1)).limit_price == order.limit_price
    last = (await world.next_price(approval, 4)).limit_price
    assert last is not None
    assert last < order.limit_price
    assert len(await world.desk.all(m.Order)) == len(world.at_broker(order.order_key)) == 1
    forged = replace(approval, decision_id=uuid4())
    assert (await world.next_price(forged, 1)).limit_price is None


@pytest.mark.parametrize("retried", ["judge_and_send", "prepare_order"])
async def test_an_order_left_by_a_sender_that_died_is_closed_and_never_sent(
    world: BrokerWorld, retried: str
):
    approval = await world.approve(resting=True)
    left = await world.prepare(approval)
    assert left.order is not None
    if retried == "judge_and_send":
        found = await world.judge_and_send(approval)
    else:
        found = await world.prepare(approval, sender_failed=True)
    assert found.order is not None
    assert found.order.order_key == left.order.order_key
    assert found.order.reason_code is ErrorCode.SEND_ABANDONED
    assert world.at_broker(left.order.order_key) == []


async def test_a_trade_that_is_denied_is_not_sent_and_says_why(world: BrokerWorld):
    approval = await world.approve(resting=True)
    await world.desk.halt(TradingState.HALTED)
    prepared = await world.judge_and_send(approval)
    assert (prepared.outcome, prepared.code) == (
        PreparedOutcome.DENIED,
        ErrorCode.TRADING_HALTED,
    )
    assert await world.desk.all(m.Order) == []


async def test_a_click_is_judged_claimed_and_sent_in_few_statements(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    approval = await world.approve(resting=True)
    seen: list[str] = []

    def note(*event: Any) -> None:
        seen.append(event[2])

    async def send_and_stop(*_: Any) -> None:
        raise BrokerUnavailable("counted")

    monkeypatch.setattr(world.session.broker, "send", send_and_stop)
    engine = world.desk.sessions.kw["bind"].sync_engine
    listen(engine, "before_cursor_execute", note)
    try:
        await world.judge_and_send(approval)
    finally:
        remove(engine, "before_cursor_execute", note)
    # The background's are among them: the lease, the clock, what the broker says.
    until_sent = seen[: next(at for at, sql in enumerate(seen) if "order_events" in sql) + 4]
    assert len(until_sent) <= STATEMENTS_OF_A_CLICK, "\n".join(until_sent)
