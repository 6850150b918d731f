"""What not finding an order proves: nothing, until a person says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.order_evidence import BrokerStatus, CancelRequested, Unproven
from domain.orders import OrderState
from infra.db.book_comparison import COUNTED_LOOKS
from infra.db.commands import LOOKS_NEEDED, declare_not_sent
from infra.db.session import create_engine, sessions
from tests.integration.broker_answers import books, broker_order, look
from tests.integration.trading_world import MONDAY_10, SLUG, TradingWorld, person

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


async def test_three_spaced_looks_are_needed_before_a_person_may_declare_not_sent(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await ledger.record(key, Unproven(reason="silence"))
    order = await world.order(key)
    for number in range(1, LOOKS_NEEDED + 1):
        async with world.sessions() as session:
            with pytest.raises(GreenlightError) as raised:
                await declare_not_sent(session, order.id, person(world))
        assert code_of(raised) is ErrorCode.EVIDENCE_INCOMPLETE
        await world.record.books(SLUG, look(number))
    async with world.sessions.begin() as session:
        await declare_not_sent(session, order.id, person(world))
    assert await world.state(key) is OrderState.NOT_SENT


async def test_looks_close_together_count_once(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    for number in range(1, 6):
        await world.record.books(SLUG, look(number, timedelta(seconds=3)))
    assert (await world.order(key)).absent_looks == 1


async def test_books_opened_before_the_claim_say_nothing(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.books(SLUG, books(after=-timedelta(minutes=1)))
    order = await world.order(key)
    assert (order.state, order.absent_looks) == (OrderState.SENDING, 0)


async def test_absence_says_nothing_while_the_send_may_still_follow(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.books(SLUG, books(after=timedelta(seconds=1)))
    order = await world.order(key)
    assert (order.state, order.absent_looks) == (OrderState.SENDING, 0)


async def test_an_order_of_an_earlier_day_that_the_books_no_longer_cover_is_in_doubt(
    world: TradingWorld,
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))
    await world.record.books(SLUG, books(read_at=MONDAY_10 + timedelta(days=1)))
    order = await world.order(key)
    assert (order.state, order.absent_looks) == (OrderState.UNKNOWN, 0)
    assert ErrorCode.ORDER_UNPROVEN in await world.alert_codes()


async def test_a_withdrawn_order_in_doubt_stays_in_doubt_and_in_sight(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    for number in range(1, COUNTED_LOOKS + 2):
        await world.record.books(SLUG, look(number))
    await ledger.record(key, CancelRequested())
    assert ErrorCode.ORDER_UNPROVEN in await world.alert_codes()
    await world.record.books(SLUG, look(COUNTED_LOOKS + 2))
    assert await world.state(key) is OrderState.UNKNOWN
    assert ErrorCode.ORDER_UNPROVEN in await world.alert_codes()
    await world.record.status(SLUG, broker_order(key, BrokerStatus.CANCEL_PENDING))
    assert ErrorCode.ORDER_UNPROVEN not in await world.alert_codes()


async def test_an_order_found_again_starts_the_count_of_absences_afresh(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.books(SLUG, look(1))
    await world.record.books(SLUG, look(2))
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))
    assert (await world.order(key)).absent_looks == 0


async def test_an_order_declared_not_sent_that_turns_up_halts_the_account(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    for number in range(1, LOOKS_NEEDED + 1):
        await world.record.books(SLUG, look(number))
    order = await world.order(key)
    async with world.sessions.begin() as session:
        await declare_not_sent(session, order.id, person(world))
    await world.record.books(SLUG, books(broker_order(key, BrokerStatus.WORKING)))
    assert await world.state(key) is OrderState.QUARANTINE


async def test_an_order_the_broker_acknowledged_cannot_be_declared_not_sent(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))
    for number in range(1, LOOKS_NEEDED + 1):
        await world.record.books(SLUG, look(number))
    order = await world.order(key)
    assert (order.state, order.absent_looks) == (OrderState.UNKNOWN, LOOKS_NEEDED)
    async with world.sessions() as session:
        with pytest.raises(GreenlightError) as raised:
            await declare_not_sent(session, order.id, person(world))
    assert code_of(raised) is ErrorCode.EVIDENCE_INCOMPLETE
