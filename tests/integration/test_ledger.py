"""The ledger's promises, one by one, on a real Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Side
from domain.order_evidence import BrokerStatus, Denied
from domain.orders import OrderState
from domain.risk.limits import TradingState
from domain.risk.trade_margin import MarginStep, TradeMargin
from infra.db import models as m
from infra.db.lease import acquire_lease
from infra.db.session import create_engine, sessions
from tests.integration.broker_answers import books, broker_order, execution
from tests.integration.trading_world import CLIENT_NUMBER, SLUG, TradingWorld

pytestmark = pytest.mark.integration
STEP = MarginStep(before=0.0, after=6_400.0, change=6_400.0)
OWN_MARGIN = TradeMargin(
    group="SPY",
    reg_t_initial=STEP,
    reg_t_maintenance=STEP,
    portfolio_initial=STEP,
    portfolio_maintenance=STEP,
    left_out=(),
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[TradingWorld]:
    engine = create_engine(database_url)
    try:
        yield await TradingWorld(sessions(engine)).build()
    finally:
        await engine.dispose()


def code_of(raised: pytest.ExceptionInfo[GreenlightError]) -> ErrorCode:
    return raised.value.code


# --- sent at most once ---------------------------------------------------------------------


async def test_of_two_claims_at_once_only_one_succeeds(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    won = await asyncio.gather(*(ledger.claim(key, n, CLIENT_NUMBER) for n in range(1, 9)))
    assert sorted(won) == [False] * 7 + [True]
    assert await world.state(key) is OrderState.SENDING


async def test_a_claim_under_an_old_epoch_is_refused(world: TradingWorld):
    old, _ = await world.leased_ledger("first")
    key = await world.ready(old, await world.approve())
    async with world.sessions.begin() as session:
        await session.execute(text("UPDATE gateways SET lease_until = now() - interval '1 s'"))
    await world.leased_ledger("second")
    with pytest.raises(GreenlightError) as raised:
        await old.claim(key, 1, CLIENT_NUMBER)
    assert code_of(raised) is ErrorCode.LEASE_LOST
    assert await world.state(key) is OrderState.READY


async def test_a_claim_under_a_lease_that_ran_out_is_refused(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    async with world.sessions.begin() as session:
        await session.execute(text("UPDATE gateways SET lease_until = now() - interval '1 s'"))
    with pytest.raises(GreenlightError) as raised:
        await ledger.claim(key, 1, CLIENT_NUMBER)
    assert code_of(raised) is ErrorCode.LEASE_LOST


async def test_a_lease_that_runs_out_while_the_claim_waits_for_the_row_is_refused(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    async with world.sessions.begin() as session:
        await session.execute(text("UPDATE gateways SET lease_until = now() + interval '300 ms'"))
    async with world.sessions.begin() as blocker:
        await blocker.execute(text("SELECT id FROM orders FOR UPDATE"))
        claim = asyncio.create_task(ledger.claim(key, 1, CLIENT_NUMBER))
        await blocker.execute(text("SELECT pg_sleep(0.5)"))
    with pytest.raises(GreenlightError) as raised:
        await claim
    assert code_of(raised) is ErrorCode.LEASE_LOST


async def test_a_second_worker_gets_no_lease_while_the_first_holds_it(world: TradingWorld):
    await world.leased_ledger("first")
    assert await acquire_lease(world.sessions, SLUG, "second") is None


async def test_an_order_closed_by_a_resolver_cannot_be_claimed_by_a_late_sender(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    await ledger.record(key, Denied(code=ErrorCode.SEND_ABANDONED, message="gone"))
    assert not await ledger.claim(key, 1, CLIENT_NUMBER)


async def test_preparing_one_attempt_twice_at_once_makes_one_order(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    approval = await world.approve()
    keys = await asyncio.gather(*(world.ready(ledger, approval) for _ in range(4)))
    assert set(keys) == {approval.key()}
    assert len(await world.all(m.Order)) == 1


async def test_a_later_attempt_is_not_sent_when_the_earlier_one_filled_after_all(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    approval = await world.approve()
    first = await world.ready(ledger, approval)
    assert await ledger.claim(first, 1, CLIENT_NUMBER)
    await world.record.books(SLUG, books(broker_order(first, BrokerStatus.CANCELLED)))
    second = await world.ready(ledger, approval, attempt=2)
    await world.record.execution(SLUG, execution(first))
    with pytest.raises(GreenlightError) as raised:
        await ledger.claim(second, 2, CLIENT_NUMBER)
    assert code_of(raised) is ErrorCode.SEND_ABANDONED
    assert await world.state(second) is OrderState.READY


# --- no execution goes unrecorded ----------------------------------------------------------


async def test_an_execution_told_many_times_at_once_is_one_row(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    seen = execution(key)
    await asyncio.gather(*(world.record.execution(SLUG, seen) for _ in range(5)))
    await world.record.books(SLUG, books(executions=(seen,)))
    assert len(await world.all(m.Execution)) == 1
    assert (await world.order(key)).filled_quantity == 1


async def test_a_commission_lost_on_the_line_is_taken_from_the_books(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.execution(SLUG, execution(key))
    reported = execution(key, commission=Decimal("1.05"), commission_currency="USD")
    await world.record.books(SLUG, books(executions=(reported,)))
    (row,) = await world.all(m.Execution)
    assert (row.commission, row.commission_currency) == (Decimal("1.05"), "USD")
    assert (await world.order(key)).filled_quantity == 1


async def test_a_commission_before_its_execution_is_kept(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    seen = execution(key)
    await world.record.commission(SLUG, seen.fill.exec_id, Decimal("1.05"), "USD", None)
    await world.record.execution(SLUG, seen)
    (row,) = await world.all(m.Execution)
    assert (row.commission, row.commission_currency) == (Decimal("1.05"), "USD")


async def test_a_commission_told_again_with_every_reading_of_the_books_is_one_event(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    seen = execution(key)
    await world.record.execution(SLUG, seen)
    told = [
        await world.record.commission(SLUG, seen.fill.exec_id, Decimal(amount), "USD", None)
        for amount in ("1.05", "1.05", "1.05", "1.10", "1.10")
    ]
    assert told == [key, None, None, key, None], "only news changes the order"
    events = [each for each in await world.all(m.OrderEvent) if each.kind == "commission"]
    assert [each.payload["commission"] for each in events] == ["1.05", "1.10"]
    (row,) = await world.all(m.Execution)
    assert row.commission == Decimal("1.10")


@pytest.mark.parametrize("arrival", [("01", "02"), ("02", "01")])
async def test_a_correction_supersedes_whatever_the_order_of_arrival(
    world: TradingWorld, arrival: tuple[str, str]
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    quantities = {"01": 2, "02": 1}
    for revision in arrival:
        seen = execution(key, f"0001.01.{revision}", quantities[revision])
        await world.record.execution(SLUG, seen)
    rows = {row.exec_id[-2:]: row.superseded for row in await world.all(m.Execution)}
    assert rows == {"01": True, "02": False}
    assert (await world.order(key)).filled_quantity == 1


async def test_a_fill_after_the_proven_cancel_is_recorded_and_alerted(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.books(SLUG, books(broker_order(key, BrokerStatus.CANCELLED)))
    assert await world.state(key) is OrderState.CANCELLED
    await world.record.execution(SLUG, execution(key))
    order = await world.order(key)
    assert (order.state, order.filled_quantity) == (OrderState.CANCELLED, 1)
    assert "LATE_FILL" in await world.alert_codes()


async def test_a_foreign_execution_is_kept_and_attributed_to_no_order(world: TradingWorld):
    await world.record.execution(SLUG, execution("", perm_id=5, client_id=0, con_id=1234567))
    (row,) = await world.all(m.Execution)
    assert row.order_id is None
    assert "EXTERNAL_FILL" in await world.alert_codes()


async def test_an_execution_without_our_reference_is_found_by_its_perm_id(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))
    await world.record.execution(SLUG, execution(""))
    assert (await world.order(key)).filled_quantity == 1


async def test_an_execution_of_our_order_under_an_unknown_account_still_counts(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.execution(SLUG, execution(key, account_code="DF999"))
    assert (await world.order(key)).filled_quantity == 1


async def test_an_execution_of_an_account_not_set_up_is_kept_once_as_an_event(
    world: TradingWorld,
):
    seen = execution("", account_code="DU9999999")
    for _ in range(3):
        await world.record.execution(SLUG, seen)
    kept = [event for event in await world.all(m.OrderEvent) if event.exec_id == "0001.01.01"]
    assert [event.payload["fill"]["exec_id"] for event in kept] == ["0001.01.01"]
    assert "UNKNOWN_ACCOUNT" in await world.alert_codes()


async def test_more_executed_than_ordered_halts_the_account(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.execution(SLUG, execution(key, quantity=3))
    assert await world.state(key) is OrderState.QUARANTINE
    (account,) = await world.all(m.BrokerAccount)
    assert account.trading_state is TradingState.HALTED


async def test_two_perm_ids_for_one_key_halt_the_account(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    twice = (
        broker_order(key, BrokerStatus.WORKING, perm_id=1),
        broker_order(key, BrokerStatus.WORKING, perm_id=2),
    )
    await world.record.books(SLUG, books(*twice))
    assert await world.state(key) is OrderState.QUARANTINE
    (account,) = await world.all(m.BrokerAccount)
    assert account.trading_state is TradingState.HALTED


async def test_an_execution_on_the_other_side_halts_the_account(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.execution(SLUG, execution(key, side=Side.BUY))
    assert await world.state(key) is OrderState.QUARANTINE


# --- errors and statuses -------------------------------------------------------------------


async def reject(world: TradingWorld, order_id: int, code: int = 110) -> str | None:
    return await world.record.error(SLUG, order_id, CLIENT_NUMBER, code, "no", is_rejection=True)


async def test_a_refusal_at_the_door_is_proven_by_the_books(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await reject(world, 1)
    await world.record.books(SLUG, books(after=timedelta(seconds=1)))
    order = await world.order(key)
    assert (order.state, order.reason_code) == (OrderState.REJECTED, ErrorCode.BROKER_REJECTED)


async def test_statuses_that_repeat_or_regress_change_nothing(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))
    await world.record.execution(SLUG, execution(key, quantity=2))
    for status in (BrokerStatus.WORKING, BrokerStatus.PENDING, BrokerStatus.WORKING):
        await world.record.status(SLUG, broker_order(key, status))
    assert await world.state(key) is OrderState.FILLED


async def test_a_day_order_that_ended_with_its_session_has_lapsed(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    ended = broker_order(key, BrokerStatus.CANCELLED)
    await world.record.books(SLUG, books(ended, session_open=False))
    assert await world.state(key) is OrderState.LAPSED


async def test_an_order_with_our_key_that_we_never_made_is_alerted(world: TradingWorld):
    await world.record.status(SLUG, broker_order("GL-nobody", BrokerStatus.WORKING))
    assert "ORPHAN_ORDER" in await world.alert_codes()


# --- what was judged stays as it was -------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    ["quantity = 3", "limit_price = 9", "notional = 1", "controls = '[]', what_if = NULL"],
)
async def test_what_an_order_was_judged_by_and_made_of_cannot_change(
    world: TradingWorld, change: str
):
    ledger, _ = await world.leased_ledger()
    await world.ready(ledger, await world.approve())
    with pytest.raises(IntegrityError, match="cannot change once written"):
        async with world.sessions.begin() as session:
            await session.execute(text(f"UPDATE orders SET {change}"))


async def test_our_own_margin_follows_an_order_once(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.ready(ledger, await world.approve())
    assert (await world.order(key)).own_margin is None
    await ledger.keep_own_margin(key, OWN_MARGIN)
    kept = (await world.order(key)).own_margin
    assert kept == OWN_MARGIN.model_dump(mode="json")
    (card,) = await world.all(m.Recommendation)
    assert card.own_margin == kept
    with pytest.raises(IntegrityError, match="own_margin cannot change"):
        await ledger.keep_own_margin(key, OWN_MARGIN.model_copy(update={"group": "other"}))
