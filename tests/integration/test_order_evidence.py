"""What the broker's books prove, what they leave to a person, and what they contradict."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Side
from domain.order_evidence import BrokerStatus, CancelRequested
from domain.orders import OrderState
from domain.ports import BrokerBooks
from domain.risk.limits import TradingState
from infra.db import broker_record
from infra.db import models as m
from infra.db.book_comparison import compare_with_books
from infra.db.commands import LOOKS_NEEDED, declare_ended
from infra.db.position_evidence import position_evidence
from infra.db.session import create_engine, sessions
from tests.integration.broker_answers import books, broker_order, execution, look
from tests.integration.trading_world import MONDAY_10, PUT, SLUG, TradingWorld, person

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


# --- the end a person declares ----------------------------------------------------------------


async def in_doubt_after(world: TradingWorld, *looks: BrokerBooks) -> m.Order:
    """An order that was acknowledged, and of which these looks then told nothing more."""
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.status(SLUG, broker_order(key, BrokerStatus.WORKING))
    for each in looks:
        await world.record.books(SLUG, each)
    return await world.order(key)


async def declare_over(world: TradingWorld, order: m.Order, executed: int) -> None:
    async with world.sessions.begin() as session:
        await declare_ended(session, order.id, Decimal(executed), person(world))


NEXT_DAY = timedelta(days=1)


@pytest.mark.parametrize("later", [timedelta(0), NEXT_DAY], ids=["vanished", "day over"])
async def test_an_order_that_vanished_is_declared_over_with_what_was_traded(
    world: TradingWorld, later: timedelta
):
    looks = [books(read_at=MONDAY_10 + later + n * timedelta(seconds=25)) for n in range(1, 4)]
    order = await in_doubt_after(world, *looks)
    assert order.state is OrderState.UNKNOWN
    await declare_over(world, order, 1)
    after = await world.order(order.order_key)
    assert (after.state, after.filled_quantity, after.traded_quantity) == (OrderState.ENDED, 0, 1)
    (event,) = [e for e in await world.all(m.OrderEvent) if e.kind == "declared_ended"]
    assert event.payload["last_look"]["looks"] == LOOKS_NEEDED
    assert event.payload["by"] == "p@desk.test"
    assert "EXECUTIONS_MISSING" in await world.alert_codes()
    assert "ORDER_UNPROVEN" not in await world.alert_codes()


async def test_what_a_person_declared_traded_is_not_offered_to_the_next_attempt(
    world: TradingWorld,
):
    order = await in_doubt_after(world, *(look(number) for number in range(1, 4)))
    await declare_over(world, order, 1)
    ledger, _ = await world.leased_ledger()
    context = await ledger.trade_context(order.recommendation_id, order.decision_id)
    assert context.already_filled == 1


async def test_too_few_looks_and_a_live_order_cannot_be_declared_over(world: TradingWorld):
    order = await in_doubt_after(world, look(1), look(2))
    with pytest.raises(GreenlightError) as raised:
        await declare_over(world, order, 0)
    assert code_of(raised) is ErrorCode.EVIDENCE_INCOMPLETE
    altered = broker_order(order.order_key, BrokerStatus.WORKING, limit_price=Decimal(1))
    for number in range(3, 7):
        at = MONDAY_10 + number * timedelta(seconds=25)
        await world.record.books(SLUG, books(altered, read_at=at))
    assert await world.state(order.order_key) is OrderState.QUARANTINE
    with pytest.raises(GreenlightError) as raised:
        await declare_over(world, order, 0)
    assert code_of(raised) is ErrorCode.EVIDENCE_INCOMPLETE


@pytest.mark.parametrize("executed", [0, 3])
async def test_a_declared_quantity_lies_between_the_executions_and_the_order(
    world: TradingWorld, executed: int
):
    order = await in_doubt_after(world, *(look(number) for number in range(1, 4)))
    await world.record.execution(SLUG, execution(order.order_key))
    for number in range(4, 8):
        await world.record.books(SLUG, look(number))
    with pytest.raises(GreenlightError) as raised:
        await declare_over(world, order, executed)
    assert code_of(raised) is ErrorCode.INVALID_INPUT


async def test_positions_show_the_fills_that_nobody_reported(world: TradingWorld):
    await hold(world, 0, MONDAY_10 - timedelta(minutes=1))
    order = await in_doubt_after(world, *(look(number) for number in range(1, 4)))
    await world.record.execution(SLUG, execution(order.order_key))
    await hold(world, -2, MONDAY_10 + timedelta(minutes=2))
    async with world.sessions() as session:
        evidence = await position_evidence(session, await world.order(order.order_key))
    assert evidence is not None
    assert (evidence.before.quantity, evidence.now.quantity, evidence.missed) == (0, -2, 1)


async def hold(world: TradingWorld, quantity: int, as_of: datetime) -> None:
    """The position in the put, as the broker told it at ``as_of``."""
    instrument_id = await world.instrument(PUT)
    async with world.sessions.begin() as session:
        account = await session.get_one(m.BrokerAccount, world.account_id)
        account.positions_synced_at = as_of
        if quantity:
            session.add(
                m.Position(
                    broker_account_id=world.account_id,
                    instrument_id=instrument_id,
                    quantity=Decimal(quantity),
                    average_cost=Decimal(400),
                    as_of=as_of,
                )
            )


# --- alterations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"limit_price": Decimal("4.10")},
        {"quantity": Decimal(3)},
        {"side": Side.BUY},
        {"con_id": 1},
        {"account_code": "DU2"},
        {"tif": "GTC"},
        {"order_type": "MKT"},
    ],
    ids=lambda change: next(iter(change)),
)
@pytest.mark.parametrize("told", ["live", "books"])
async def test_an_order_altered_at_the_broker_halts_the_account(
    world: TradingWorld, change: dict[str, Any], told: str
):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    seen = broker_order(key, BrokerStatus.WORKING, **change)
    if told == "live":
        await world.record.status(SLUG, seen)
    else:
        await world.record.books(SLUG, books(seen))
    order = await world.order(key)
    assert (order.state, order.reason_code) == (OrderState.QUARANTINE, ErrorCode.ORDER_ALTERED)
    assert "ORDER_ALTERED" in await world.alert_codes()
    (account,) = await world.all(m.BrokerAccount)
    assert account.trading_state is TradingState.HALTED


async def test_what_ibkr_leaves_out_of_a_completed_order_is_no_alteration(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    bare = broker_order(
        key, BrokerStatus.CANCELLED, quantity=Decimal(0), limit_price=None, account_code=""
    )
    await world.record.books(SLUG, books(bare))
    assert await world.state(key) is OrderState.CANCELLED


async def test_a_cancel_by_hand_is_proven_and_told(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    by_hand = broker_order(key, BrokerStatus.CANCELLED, message="Cancelled by Trader")
    await world.record.books(SLUG, books(by_hand))
    assert await world.state(key) is OrderState.CANCELLED
    (alert,) = [a for a in await world.all(m.Alert) if a.code == "CANCELLED_AT_BROKER"]
    assert "Cancelled by Trader" in alert.detail


async def test_books_that_repeat_a_settled_order_are_compared_once(
    world: TradingWorld, monkeypatch: pytest.MonkeyPatch
):
    """A day's books name every order of the day, at every look."""
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    cancelled = broker_order(key, BrokerStatus.CANCELLED)
    compared: list[str] = []

    async def noted(session: Any, row: m.Order, found: Any, of: BrokerBooks) -> bool:
        compared.append(row.order_key)
        return await compare_with_books(session, row, found, of)

    monkeypatch.setattr(broker_record, "compare_with_books", noted)
    for number in range(5):
        await world.record.books(
            SLUG, books(cancelled, read_at=MONDAY_10 + timedelta(seconds=25 * number))
        )
    assert compared == [key] * 2  # the change, and that there is none any more


async def test_a_settled_order_is_compared_again_when_either_side_changes(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    working = broker_order(key, BrokerStatus.WORKING)
    for _ in range(3):
        await world.record.books(SLUG, books(working))
    assert await world.state(key) is OrderState.WORKING
    await ledger.record(key, CancelRequested())
    await world.record.books(SLUG, books(working))
    await world.record.books(SLUG, books(broker_order(key, BrokerStatus.CANCELLED)))
    assert await world.state(key) is OrderState.CANCELLED
    later = books(broker_order(key, BrokerStatus.CANCELLED, limit_price=Decimal(1)))
    await world.record.books(SLUG, later)
    assert await world.state(key) is OrderState.QUARANTINE


async def test_an_order_that_another_api_client_holds_is_told(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key = await world.sent(ledger)
    await world.record.books(SLUG, books(broker_order(key, BrokerStatus.WORKING, client_id=3)))
    assert await world.state(key) is OrderState.WORKING
    assert "ORDER_OF_ANOTHER_CLIENT" in await world.alert_codes()


# --- messages that cannot be right ------------------------------------------------------------


async def test_one_execution_that_cannot_be_stored_does_not_hide_the_others(world: TradingWorld):
    ledger, _ = await world.leased_ledger()
    key, other = await world.sent(ledger), await world.sent(ledger, 2)
    poison = execution(key, exec_id="bad\x00.01")
    good = execution(other, exec_id="0002.01", quantity=2, perm_id=100)
    cancelled = broker_order(key, BrokerStatus.CANCELLED)
    reading = books(cancelled, executions=(poison, good))
    for _ in range(2):
        await world.record.books(SLUG, reading)
    assert await world.state(other) is OrderState.FILLED
    assert await world.state(key) is OrderState.SENDING, "a fill of it may be missing"
    assert "BROKER_MESSAGE_REFUSED" in await world.alert_codes()
    assert [e.kind for e in await world.all(m.OrderEvent)].count("refused_message") == 1


async def test_a_fill_under_the_id_of_another_gateways_fill_is_told_and_not_taken_for_it(
    world: TradingWorld,
):
    async with world.sessions.begin() as session:
        first = await session.get_one(m.BrokerAccount, world.account_id)
        other = m.Gateway(
            slug="other", name="Other", kind=m.GatewayKind.SIMULATED, host="127.0.0.1", port=4003
        )
        session.add(other)
        await session.flush()
        session.add(
            m.BrokerAccount(portfolio_id=first.portfolio_id, gateway_id=other.id, code="DU2000001")
        )
    await world.record.books(SLUG, books(executions=(execution(""),)))
    alike = execution("", account_code="DU2000001")
    await world.record.books("other", books(executions=(alike,)))
    assert [row.broker_account_id for row in await world.all(m.Execution)] == [world.account_id]
    assert "BROKER_MESSAGE_REFUSED" in await world.alert_codes()
