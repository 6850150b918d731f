"""The order verbs against a gateway that fails at the worst moments: sent at most once, always."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import structlog

from activities import orders as order_activities
from activities import sending
from activities.orders import PreparedOutcome
from domain.errors import BrokerUnavailable, ErrorCode, GreenlightError
from domain.orders import OrderState
from domain.ports import BrokerBooks
from infra.db import models as m
from infra.db.session import create_engine, sessions
from infra.simulator.faults import Moment
from tests.integration.broker_world import (
    COMPLETED_ORDERS,
    PLACE_ORDER,
    BrokerWorld,
    broker_world,
    then,
)

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(database_url: str, tmp_path: Path) -> AsyncIterator[BrokerWorld]:
    engine = create_engine(database_url)
    try:
        async with broker_world(tmp_path / "gateway", sessions(engine)) as built:
            yield built
    finally:
        await engine.dispose()


# --- the way it should go ------------------------------------------------------------------


async def test_an_approved_trade_is_prepared_sent_filled_and_recorded_with_its_commission(
    world: BrokerWorld,
):
    approval = await world.approve(resting=False)
    prepared = await world.prepare(approval)
    assert prepared.outcome is PreparedOutcome.ORDER, prepared
    assert prepared.order is not None
    key = prepared.order.order_key
    await world.place(key)
    world.trade_until_filled(key)
    await world.until_state(key, OrderState.FILLED)
    await world.session.listener.drained()
    (execution,) = await world.desk.all(m.Execution)
    assert execution.order_id == (await world.desk.order(key)).id
    assert execution.commission is not None
    assert len(world.at_broker(key)) == 1


async def test_what_an_activity_logs_names_the_account_and_the_order(world: BrokerWorld):
    prepared = await world.prepare(await world.approve())
    assert prepared.order is not None
    structlog.contextvars.clear_contextvars()
    record = await world.session.ledger.find(prepared.order.order_key)
    assert record is not None
    bound = structlog.contextvars.get_contextvars()
    assert bound["account"] == record.intent.account_code
    assert bound["order_key"] == prepared.order.order_key


async def test_preparing_again_after_a_crash_gives_the_same_order(world: BrokerWorld):
    approval = await world.approve()
    first, second = await world.prepare(approval), await world.prepare(approval)
    assert first == second
    assert len(await world.desk.all(m.Order)) == 1


async def test_a_line_cut_during_the_preview_denies_nothing(world: BrokerWorld):
    approval = await world.approve()
    world.gateway.faults.drop_connection(Moment.BEFORE, PLACE_ORDER)
    with pytest.raises(BrokerUnavailable):
        await world.prepare(approval)
    await world.synced()
    assert (await world.prepare(approval)).outcome is PreparedOutcome.ORDER


async def test_an_order_is_placed_once_however_often_it_is_asked(world: BrokerWorld):
    key = await world.ready()
    views = await asyncio.gather(*(world.place(key) for _ in range(4)))
    views.append(await world.place(key))
    assert len(world.at_broker(key)) == 1
    assert views[-1].state is OrderState.WORKING


# --- the connection drops around the send --------------------------------------------------


async def test_orders_placed_together_reach_the_gateway_by_rising_ids(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    """TWS refuses an order id below one that it has seen (103)."""
    broker, waits = world.session.broker, iter([0.3, 0.2, 0.1, 0.0])
    read_books = broker.read_books

    async def read_books_unevenly() -> BrokerBooks:
        wait = next(waits, 0.0)
        books = await read_books()
        await asyncio.sleep(wait)
        return books

    keys = [await world.ready(strike=strike) for strike in (600, 610, 620, 630)]
    monkeypatch.setattr(broker, "read_books", read_books_unevenly)
    placed = await asyncio.gather(*(world.place(key) for key in keys))
    assert [view.state for view in placed] == [OrderState.WORKING] * 4
    ids = [order.order_id for order in world.gateway.ledger.orders()]
    assert ids == sorted(ids)


async def test_orders_placed_together_share_readings_of_the_books(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    """One reading each, one after the other, would outlast the permission of the last to send."""
    keys = [await world.ready(strike=strike) for strike in (590, 600, 610, 620, 630)]
    ib, readings = world.session.client.ib, 0
    completed_orders = ib.reqCompletedOrdersAsync

    async def long_answer(api_only: bool) -> Any:
        nonlocal readings
        readings += 1
        await asyncio.sleep(0.5)
        return await completed_orders(api_only)

    monkeypatch.setattr(ib, "reqCompletedOrdersAsync", long_answer)
    placed = await asyncio.gather(*(world.place(key) for key in keys))
    assert [view.state for view in placed] == [OrderState.WORKING] * 5
    assert readings < 5


async def test_an_order_whose_search_fails_leaves_the_next_ones_their_turn(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    broker, answers = world.session.broker, iter([BrokerUnavailable("no answer"), None, None])
    read_books = broker.read_books

    async def read_books_but_once() -> BrokerBooks:
        failure = next(answers, None)
        if failure is not None:
            raise failure
        return await read_books()

    keys = [await world.ready(strike=strike) for strike in (600, 610, 620)]
    monkeypatch.setattr(broker, "read_books", read_books_but_once)
    placed = await asyncio.gather(*(world.place(key) for key in keys), return_exceptions=True)
    (unlucky,) = (key for key, each in zip(keys, placed, strict=True)
                  if isinstance(each, BrokerUnavailable))  # fmt: skip
    others = [key for key in keys if key != unlucky]
    assert [await world.desk.state(key) for key in others] == [OrderState.WORKING] * 2
    assert [len(world.at_broker(key)) for key in (unlucky, *others)] == [0, 1, 1]
    # Nothing was claimed: the next look closes the attempt, and no person is needed.
    assert await world.desk.state(unlucky) is OrderState.READY
    assert (await world.resolve(unlucky)).reason_code is ErrorCode.SEND_ABANDONED


async def test_a_line_that_dies_while_the_books_are_read_leaves_nothing_in_doubt(
    world: BrokerWorld, no_waiting: None
):
    keys = [await world.ready(strike=strike) for strike in (600, 610, 620)]
    world.gateway.faults.drop_connection(Moment.BEFORE, COMPLETED_ORDERS)
    placed = await asyncio.gather(*(world.place(key) for key in keys), return_exceptions=True)
    assert all(isinstance(each, BrokerUnavailable) for each in placed), placed
    assert {await world.desk.state(key) for key in keys} == {OrderState.READY}
    assert [world.at_broker(key) for key in keys] == [[], [], []]


async def test_an_order_whose_turn_comes_long_after_its_search_is_not_claimed(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    key = await world.ready()
    broker, now = world.session.broker, sending.monotonic
    read_books = broker.read_books

    async def read_and_stall() -> BrokerBooks:
        books = await read_books()
        late = iter([now(), now() + 60])
        monkeypatch.setattr(sending, "monotonic", lambda: next(late))
        return books

    monkeypatch.setattr(broker, "read_books", read_and_stall)
    with pytest.raises(BrokerUnavailable, match="turn came too late"):
        await world.place(key)
    assert await world.desk.state(key) is OrderState.READY


async def test_an_order_the_gateway_took_before_the_line_dropped_is_found_not_sent_again(
    world: BrokerWorld, no_waiting: None
):
    key = await world.ready()
    world.gateway.faults.drop_connection(Moment.AFTER, PLACE_ORDER)
    view = await world.place(key)
    assert view.state in (OrderState.UNKNOWN, OrderState.WORKING)
    await world.until_state(key, OrderState.WORKING)
    assert (await world.place(key)).state is OrderState.WORKING
    assert len(world.at_broker(key)) == 1


async def test_an_order_lost_on_the_line_stays_unknown_and_is_never_sent_again(
    world: BrokerWorld, no_waiting: None
):
    key = await world.ready()
    world.gateway.faults.drop_connection(Moment.BEFORE, PLACE_ORDER)
    assert (await world.place(key)).state is OrderState.UNKNOWN
    await world.synced()
    for _ in range(2):
        assert (await world.resolve(key)).state is OrderState.UNKNOWN
        assert (await world.place(key)).state is OrderState.UNKNOWN
    assert world.at_broker(key) == []


async def test_a_fill_while_the_line_was_down_is_recorded_at_the_next_sync(
    world: BrokerWorld, no_waiting: None
):
    key = await world.ready(resting=False)
    world.gateway.faults.drop_connection(Moment.AFTER, PLACE_ORDER)
    await world.place(key)
    world.trade_until_filled(key)
    await world.until_state(key, OrderState.FILLED)
    assert len(await world.desk.all(m.Execution)) == 1
    assert len(world.at_broker(key)) == 1


async def test_an_acknowledgement_that_does_not_come_leaves_the_order_unknown_until_it_does(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(order_activities, "ACKNOWLEDGEMENT_SECONDS", 0.3)
    key = await world.ready()
    world.session.broker.send = then(  # type: ignore[method-assign]
        world.gateway.faults.hold_callbacks, world.session.broker.send
    )
    assert (await world.place(key)).state is OrderState.UNKNOWN
    world.gateway.faults.release_callbacks()
    await world.until_state(key, OrderState.WORKING)
    assert len(world.at_broker(key)) == 1


async def test_a_send_is_not_begun_while_the_gateway_is_away(world: BrokerWorld):
    key = await world.ready()
    world.gateway.faults.refuse_connections()
    await world.until(lambda: _not_ready(world))
    with pytest.raises(GreenlightError) as raised:
        await world.place(key)
    assert raised.value.code is ErrorCode.BROKER_UNAVAILABLE
    assert await world.desk.state(key) is OrderState.READY
    assert world.at_broker(key) == []


async def _not_ready(world: BrokerWorld) -> bool:
    return not world.session.client.ib.isConnected()


# --- senders presumed dead -----------------------------------------------------------------


async def test_a_sender_that_wakes_up_too_late_does_not_send(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    key = await world.ready()
    now = sending.monotonic
    real_claim = world.session.ledger.claim

    async def claim_and_stall(*args: object) -> bool:
        claimed = await real_claim(*args)  # type: ignore[arg-type]
        monkeypatch.setattr(sending, "monotonic", lambda: now() + 60)
        return claimed

    monkeypatch.setattr(world.session.ledger, "claim", claim_and_stall)
    assert (await world.place(key)).state is OrderState.UNKNOWN
    assert world.at_broker(key) == []


async def test_resolving_a_ready_order_fences_the_sender_that_is_late(world: BrokerWorld):
    key = await world.ready()
    resolved = await world.resolve(key)
    assert (resolved.state, resolved.reason_code) == (OrderState.DENIED, ErrorCode.SEND_ABANDONED)
    assert (await world.place(key)).state is OrderState.DENIED
    assert world.at_broker(key) == []


async def test_an_order_already_in_the_books_is_not_sent(world: BrokerWorld):
    """Found under our key by the search before the claim: someone has sent it."""
    approval = await world.approve()
    key = await world.desk.ready(world.session.ledger, approval)
    record = await world.session.ledger.find(key)
    assert record is not None
    await world.session.broker.send(record.intent, world.session.broker.reserve_order_id())
    await world.session.client.ib.reqCurrentTimeAsync()
    await world.place(key)
    assert len(world.at_broker(key)) == 1


# --- refusals ------------------------------------------------------------------------------


async def test_a_price_off_the_increment_is_rejected_and_proven(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch, no_waiting: None
):
    monkeypatch.setattr("infra.ibkr.broker.limit_order", _with_price(Decimal("5.0037")))
    key = await world.ready()
    await world.place(key)
    view = await world.resolve(key)
    assert (view.state, view.reason_code) == (OrderState.REJECTED, ErrorCode.BROKER_REJECTED)
    assert "110" in view.reason


async def test_an_order_beyond_the_margin_is_rejected_and_proven(
    world: BrokerWorld, no_waiting: None
):
    key = await world.ready(quantity=5000)
    await world.place(key)
    view = await world.resolve(key)
    assert (view.state, view.reason_code) == (OrderState.REJECTED, ErrorCode.BROKER_REJECTED)


def _with_price(price: Decimal):
    from infra.ibkr.mapping import limit_order  # noqa: PLC0415

    def build(intent):
        return limit_order(intent.model_copy(update={"limit_price": price}))

    return build


# --- approvals -----------------------------------------------------------------------------


async def test_a_withdrawal_never_hides_an_order_that_is_still_open(world: BrokerWorld):
    approval = await world.approve()
    prepared = await world.prepare(approval)
    assert prepared.order is not None
    await world.desk.withdraw(approval)
    again = await world.prepare(approval)
    assert again.outcome is PreparedOutcome.ORDER
    assert again.order == prepared.order
    view = await world.place(prepared.order.order_key)
    assert (view.state, view.reason_code) == (OrderState.DENIED, ErrorCode.ORDER_CANCELLED)
    assert (await world.prepare(approval)).outcome is PreparedOutcome.NOT_APPROVED


async def test_a_contract_the_broker_cannot_describe_denies_instead_of_failing(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    approval = await world.approve()

    async def unknown(code: str) -> None:
        raise GreenlightError(ErrorCode.INSTRUMENT_UNKNOWN, f"no details in {code}")

    monkeypatch.setattr(world.session.broker, "positions", unknown)
    prepared = await world.prepare(approval)
    assert (prepared.outcome, prepared.code) == (
        PreparedOutcome.DENIED,
        ErrorCode.INSTRUMENT_UNKNOWN,
    )


async def test_two_approvals_at_once_on_one_contract_give_one_order(world: BrokerWorld):
    one, other = await world.approve(), await world.approve()
    results = await asyncio.gather(world.prepare(one), world.prepare(other))
    assert len(await world.desk.all(m.Order)) == 1
    assert {(result.outcome, result.code) for result in results} == {
        (PreparedOutcome.ORDER, None),
        (PreparedOutcome.DENIED, ErrorCode.DUPLICATE_ORDER),
    }, "the later one was judged again, on what the earlier one had made of the account"


async def test_an_account_that_never_comes_to_rest_is_judged_so_often_and_then_tried_later(
    world: BrokerWorld, monkeypatch: pytest.MonkeyPatch
):
    approval = await world.approve()
    judged = 0

    async def stale(*_: object) -> None:
        nonlocal judged
        judged += 1
        raise GreenlightError(ErrorCode.ACCOUNT_STALE, "a fill came in between")

    with monkeypatch.context() as patch:
        patch.setattr(world.session.ledger, "make_ready", stale)
        with pytest.raises(GreenlightError, match="a fill came in between"):
            await world.prepare(approval)
    assert judged == order_activities.STALE_JUDGEMENTS + 1
    assert (await world.prepare(approval)).outcome is PreparedOutcome.ORDER
