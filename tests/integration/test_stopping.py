"""Stopping in Postgres: nothing is claimed past it, whatever it meets on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.errors import ErrorCode, GreenlightError
from domain.kill_switch import preview_digest
from domain.orders import OrderState
from domain.recommendations import RecommendationAction
from domain.risk.limits import TradingState
from infra.db import models as m
from infra.db.audit import Actor
from infra.db.backlog import PostgresBacklog
from infra.db.kill_switch import Pressed, Pressing, as_previewed, digest_now, press
from infra.db.session import create_engine, sessions
from infra.db.trading_state import StateChange, change_trading_state
from tests.integration.trading_world import CLIENT_NUMBER, TradingWorld

pytestmark = pytest.mark.integration
SOMEBODY = Actor(name="p@desk.test")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


async def pressed(
    world: TradingWorld, account_id: UUID | None = None, digest: str | None = None
) -> Pressed:
    async with world.sessions.begin() as session:
        seen = digest or await digest_now(session, account_id)
        wanted = Pressing(account_id=account_id, digest=seen, reason="the market is broken")
        return await press(session, wanted, SOMEBODY)


@pytest.mark.parametrize("of_account", [True, False])
async def test_a_halt_under_way_holds_the_claim_back_and_then_refuses_it(
    world: TradingWorld, of_account: bool
):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    account_id = world.account_id if of_account else None
    halt = StateChange(account_id=account_id, state=TradingState.HALTED, reason="news")
    async with world.sessions.begin() as halting:
        await change_trading_state(halting, halt, SOMEBODY)
        claim = asyncio.create_task(ledger.claim(key, 1, CLIENT_NUMBER))
        await asyncio.wait({claim}, timeout=0.3)
        assert not claim.done()
    with pytest.raises(GreenlightError) as raised:
        await claim
    assert raised.value.code is ErrorCode.TRADING_HALTED
    assert await world.state(key) is OrderState.READY


async def test_a_change_of_state_is_kept_with_who_and_why_and_cannot_be_rewritten(
    world: TradingWorld,
):
    change = StateChange(
        account_id=world.account_id,
        state=TradingState.REDUCING,
        reason="winding down",
        idempotency_key="k" * 8,
    )
    actor = Actor(name="p@desk.test", user_id=world.user_id)
    for _ in range(2):
        async with world.sessions.begin() as session:
            await change_trading_state(session, change, actor)
    (row,) = await world.all(m.TradingStateChange)
    assert (row.before, row.after) == (TradingState.ACTIVE, TradingState.REDUCING)
    (event,) = [e for e in await world.all(m.AuditEvent) if e.action == "trading_state.changed"]
    assert (event.actor, event.after["reason"]) == ("p@desk.test", "winding down")
    async with world.sessions.begin() as session:
        other = change.model_copy(update={"state": TradingState.HALTED})
        with pytest.raises(GreenlightError) as raised:
            await change_trading_state(session, other, actor)
    assert raised.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED
    with pytest.raises(IntegrityError, match="append-only"):
        async with world.sessions.begin() as session:
            await session.execute(text("DELETE FROM trading_state_changes"))


async def test_a_desk_without_a_state_can_be_given_one(world: TradingWorld):
    async with world.sessions.begin() as session:
        await session.execute(text("DELETE FROM settings WHERE key = 'trading_state'"))
        change = StateChange(account_id=None, state=TradingState.ACTIVE, reason="first day")
        row = await change_trading_state(session, change, SOMEBODY)
        assert row.before is TradingState.HALTED
    assert {s.key: s.value for s in await world.all(m.Setting)}["trading_state"] == "ACTIVE"


async def test_the_kill_switch_halts_and_withdraws_closes_too(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    opening = await world.ready(ledger, await world.approve())
    closing = await world.ready(ledger, await world.approve(action=RecommendationAction.CLOSE))
    pressing = await pressed(world)
    assert len(pressing.withdrawn) == 2
    for key in (opening, closing):
        with pytest.raises(GreenlightError) as raised:
            await ledger.claim(key, 1, CLIENT_NUMBER)
        assert raised.value.code is ErrorCode.ORDER_CANCELLED
    states = {s.key: s.value for s in await world.all(m.Setting)}
    assert states["trading_state"] == "HALTED"
    assert [t.order_state for t in await world.all(m.KillSwitchTrade)] == [OrderState.READY] * 2


async def test_a_pressing_that_meets_a_claim_waits_for_it_and_withdraws_what_was_claimed(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    async with world.sessions.begin() as claiming:
        await claiming.execute(text("SELECT 1 FROM recommendations FOR SHARE"))
        await claiming.execute(text("SELECT 1 FROM settings FOR SHARE"))
        pressing = asyncio.create_task(pressed(world))
        await asyncio.wait({pressing}, timeout=0.3)
        assert not pressing.done()
        await claiming.execute(
            text(
                "UPDATE orders SET state = 'SENDING', broker_order_id = 1, client_number = 17, "
                "lease_epoch = 1, sent_at = now() WHERE order_key = :key"
            ),
            {"key": key},
        )
    await pressing
    assert [t.order_state for t in await world.all(m.KillSwitchTrade)] == [OrderState.SENDING]


async def test_claims_and_a_pressing_at_once_never_block_each_other_for_good(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    keys = [await world.ready(ledger, await world.approve()) for _ in range(6)]
    claims = [ledger.claim(key, n + 1, CLIENT_NUMBER) for n, key in enumerate(keys)]
    async with asyncio.timeout(20):
        *claimed, pressing = await asyncio.gather(*claims, pressed(world), return_exceptions=True)
    assert isinstance(pressing, Pressed)
    for outcome, key in zip(claimed, keys, strict=True):
        sent = await world.state(key) is OrderState.SENDING
        assert (outcome is True) == sent
        assert sent or isinstance(outcome, GreenlightError)


async def test_a_trade_that_came_since_the_preview_is_withdrawn_and_the_record_says_so(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    shown = preview_digest(None, [])
    key = await world.ready(ledger, await world.approve())
    pressing = await pressed(world, digest=shown)
    async with world.sessions() as session:
        assert not await as_previewed(session, pressing.row.id)
    assert len(pressing.withdrawn) == 1
    with pytest.raises(GreenlightError):
        await ledger.claim(key, 1, CLIENT_NUMBER)
    assert {s.key: s.value for s in await world.all(m.Setting)}["trading_state"] == "HALTED"


async def test_what_a_process_that_died_did_not_tell_is_told_by_the_redelivery(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    pressing = await pressed(world, world.account_id)
    async with world.sessions.begin() as session:
        await session.execute(
            text("UPDATE recommendations SET updated_at = now() - interval '1 minute'")
        )
    (brief,) = await PostgresBacklog(world.sessions).without_workflow()
    assert (brief.id, brief.withdrawn) == (pressing.withdrawn[0], True)
    assert await world.state(key) is OrderState.SENDING
