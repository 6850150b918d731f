"""Nothing is sent that may not be: halts, withdrawals, approvals that are none, cash used twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

from domain.errors import ErrorCode, GreenlightError
from domain.orders import OrderState
from domain.recommendations import RecommendationAction
from domain.risk.limits import TradingState
from infra.db import models as m
from infra.db.session import create_engine, sessions
from tests.integration.broker_answers import execution
from tests.integration.trading_world import CLIENT_NUMBER, PUT, SLUG, TradingWorld

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


def code_of(raised: pytest.ExceptionInfo[GreenlightError]) -> ErrorCode:
    return raised.value.code


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (TradingState.HALTED, ErrorCode.TRADING_HALTED),
        (TradingState.REDUCING, ErrorCode.TRADING_REDUCING),
    ],
)
async def test_a_halt_committed_before_the_claim_is_seen(
    world: TradingWorld, state: TradingState, code: ErrorCode
):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    await world.halt(state)
    with pytest.raises(GreenlightError) as raised:
        await ledger.claim(key, 1, CLIENT_NUMBER)
    assert code_of(raised) is code


async def test_a_halt_that_commits_while_the_claim_is_under_way_is_seen(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    async with world.sessions.begin() as halting:
        await halting.execute(
            update(m.Setting).where(m.Setting.key == "trading_state").values(value="HALTED")
        )
        claim = asyncio.create_task(ledger.claim(key, 1, CLIENT_NUMBER))
        await asyncio.wait({claim}, timeout=0.3)
        assert not claim.done()
    with pytest.raises(GreenlightError) as raised:
        await claim
    assert code_of(raised) is ErrorCode.TRADING_HALTED


async def test_a_halt_on_the_account_alone_stops_the_claim(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    async with world.sessions.begin() as session:
        await session.execute(update(m.BrokerAccount).values(trading_state=TradingState.HALTED))
    with pytest.raises(GreenlightError) as raised:
        await ledger.claim(key, 1, CLIENT_NUMBER)
    assert code_of(raised) is ErrorCode.TRADING_HALTED


async def test_a_close_is_sent_even_while_trading_is_halted(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    approval = await world.approve(action=RecommendationAction.CLOSE)
    key = await world.ready(ledger, approval)
    await world.halt()
    assert await ledger.claim(key, 1, CLIENT_NUMBER)


async def test_a_withdrawn_approval_cannot_be_claimed(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    approval = await world.approve()
    key = await world.ready(ledger, approval)
    await world.withdraw(approval)
    with pytest.raises(GreenlightError) as raised:
        await ledger.claim(key, 1, CLIENT_NUMBER)
    assert code_of(raised) is ErrorCode.ORDER_CANCELLED


async def test_a_recommendation_nobody_approved_gives_no_order(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    approval = await world.approve()
    proposed = await world.propose()
    with pytest.raises(GreenlightError) as raised:
        await ledger.trade_context(proposed, approval.decision_id)
    assert code_of(raised) is ErrorCode.NOT_APPROVED


async def test_a_decision_on_another_recommendation_authorises_nothing(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    one, other = await world.approve(), await world.approve()
    with pytest.raises(GreenlightError) as raised:
        await ledger.trade_context(one.recommendation_id, other.decision_id)
    assert code_of(raised) is ErrorCode.NOT_APPROVED


async def test_two_approvals_judged_at_once_do_not_both_use_the_same_cash(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    one, other = await world.approve(), await world.approve()
    stale = await ledger.trade_context(other.recommendation_id, other.decision_id)
    await world.ready(ledger, one)
    with pytest.raises(GreenlightError) as raised:
        await world.ready_in(ledger, stale, other)
    assert code_of(raised) is ErrorCode.ACCOUNT_STALE
    assert raised.value.is_transient
    again = await ledger.trade_context(other.recommendation_id, other.decision_id)
    assert again.committed_assignment_cash == 2 * PUT.strike * PUT.multiplier


async def test_an_order_that_came_and_filled_while_another_was_judged_is_noticed(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    one, other = await world.approve(), await world.approve()
    stale = await ledger.trade_context(other.recommendation_id, other.decision_id)
    key = await world.ready(ledger, one)
    assert await ledger.claim(key, 1, CLIENT_NUMBER)
    await world.record.execution(SLUG, execution(key, quantity=2))
    assert await world.state(key) is OrderState.FILLED
    with pytest.raises(GreenlightError) as raised:
        await world.ready_in(ledger, stale, other)
    assert code_of(raised) is ErrorCode.ACCOUNT_STALE
