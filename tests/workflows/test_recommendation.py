"""How a recommendation's workflow waits, decides, sends once and comes to an end."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.recommendations import DecisionAction, RecommendationState, Terms
from tests.unit.trade_factories import roll, terms
from tests.workflows.fake_desk import FakeDesk, view
from workflows import policies
from workflows.ids import recommendation_workflow_id
from workflows.messages import DecisionMessage
from workflows.recommendation import RecommendationWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")

READY, WORKING, FILLED = OrderState.READY, OrderState.WORKING, OrderState.FILLED


def approval(desk: FakeDesk) -> DecisionMessage:
    return DecisionMessage(decision_id=desk.approval)


async def test_an_approved_trade_is_sent_once_and_ends_when_filled(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert (result.state, result.filled) == (RecommendationState.COMPLETED, 2)
    assert result.order_keys == ("k1",)
    assert desk.count("place_order") == 1
    assert [each.state for each in desk.conclusions] == [RecommendationState.COMPLETED]


async def test_nothing_happens_without_a_decision_until_the_deadline(client: Client):
    desk = FakeDesk()
    desk.seconds_left = timedelta(days=3).total_seconds()

    def expire() -> None:
        desk.state = RecommendationState.EXPIRED

    desk.on_deadline = expire
    async with desk.open(client):
        result = await (await desk.start(client)).result()
    assert result.state is RecommendationState.EXPIRED
    assert desk.count("judge_and_send") == 0


async def test_a_rejection_ends_the_recommendation_without_an_order(client: Client):
    desk = FakeDesk()
    rejection = uuid4()
    desk.decisions = {rejection: DecisionAction.REJECT}
    async with desk.open(client):
        handle = await desk.start(client)
        desk.state = RecommendationState.REJECTED
        await handle.signal(RecommendationWorkflow.reject, DecisionMessage(decision_id=rejection))
        result = await handle.result()
    assert result.state is RecommendationState.REJECTED
    assert desk.count("judge_and_send") == 0


async def test_a_forged_approval_authorises_nothing(client: Client):
    desk = FakeDesk()
    desk.seconds_left = timedelta(minutes=5).total_seconds()

    def expire() -> None:
        if desk.count("check_deadline") > 2:
            desk.state = RecommendationState.EXPIRED

    desk.on_deadline = expire
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, DecisionMessage(decision_id=uuid4()))
        result = await handle.result()
    assert result.state is RecommendationState.EXPIRED
    assert desk.count("read_decision") == 1
    assert desk.count("place_order") == 0


async def test_a_rejection_sent_under_the_name_of_an_approval_places_nothing(client: Client):
    desk = FakeDesk()
    rejection = uuid4()
    desk.decisions = {rejection: DecisionAction.REJECT}
    async with desk.open(client):
        handle = await desk.start(client)
        desk.state = RecommendationState.REJECTED
        await handle.signal(RecommendationWorkflow.approve, DecisionMessage(decision_id=rejection))
        result = await handle.result()
    assert result.state is RecommendationState.REJECTED
    assert desk.count("place_order") == 0


async def test_a_repeated_approval_sends_one_order(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", WORKING))
    desk.read.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        handle = await desk.start(client)
        for _ in range(5):
            await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.COMPLETED
    assert (desk.count("judge_and_send"), desk.count("place_order")) == (1, 1)


async def test_an_approval_whose_signal_was_lost_is_found_in_the_record(client: Client):
    desk = FakeDesk()
    desk.state = RecommendationState.APPROVED
    desk.offers_order("k1")
    desk.placed.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        result = await (await desk.start(client)).result()
    assert result.state is RecommendationState.COMPLETED


async def test_a_send_that_failed_is_looked_up_and_never_repeated(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(ApplicationError("the worker died"))
    desk.resolved.append(view("k1", WORKING))
    desk.read.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.COMPLETED
    assert desk.count("place_order") == 1
    assert desk.count("resolve_order") == 1
    assert [request.sender_failed for request in desk.requests("prepare_order")] == [True]


async def test_an_attempt_abandoned_before_its_send_is_made_anew_under_a_new_key(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.offers_order("k2")
    desk.placed.extend([ApplicationError("never begun"), view("k2", FILLED, filled=2)])
    desk.resolved.append(view("k1", OrderState.DENIED, reason_code=ErrorCode.SEND_ABANDONED))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.COMPLETED
    assert [request.order_key for request in desk.requests("place_order")] == ["k1", "k2"]
    assert [request.price_step for request in desk.requests("judge_and_send")] == [1, 1]


async def test_the_price_walks_only_after_a_proven_cancel(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.offers_order("k2")
    desk.placed.extend([view("k1", WORKING), view("k2", FILLED, filled=2)])
    desk.read.append(view("k1", WORKING))
    desk.cancelled.append(view("k1", OrderState.CANCEL_PENDING))
    desk.resolved.extend([view("k1", OrderState.CANCEL_PENDING), view("k1", OrderState.CANCELLED)])
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.COMPLETED
    assert [request.price_step for request in desk.requests("judge_and_send")] == [1, 2]
    names = [name for name, _ in desk.calls if name in ("cancel_order", "place_order")]
    assert names == ["place_order", "cancel_order", "place_order"]


async def test_an_order_whose_next_price_is_its_own_keeps_its_place_at_the_broker(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.offers_order("k2")
    desk.placed.extend([view("k1", WORKING), view("k2", FILLED, filled=2)])
    desk.read.append(view("k1", WORKING))
    desk.next_prices.clear()
    # The same price, then a glance that fails, upon which it is walked as ever.
    desk.next_prices.extend([view("k1", WORKING).limit_price, ApplicationError("no quote")])
    desk.cancelled.append(view("k1", OrderState.CANCELLED))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.COMPLETED
    assert [each.price_step for each in desk.requests("next_price")] == [2, 3]
    assert [each.price_step for each in desk.requests("judge_and_send")] == [1, 3]
    assert (desk.count("cancel_order"), desk.count("place_order")) == (1, 2)


async def test_a_fill_that_beats_the_cancel_ends_the_trade(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", WORKING))
    desk.read.append(view("k1", WORKING))
    desk.cancelled.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert (result.state, result.filled) == (RecommendationState.COMPLETED, 2)
    assert desk.count("judge_and_send") == 1


async def test_the_last_price_works_until_the_broker_ends_it(client: Client):
    desk = FakeDesk()
    for step in range(1, policies.PRICE_STEPS + 1):
        desk.offers_order(f"k{step}")
        desk.placed.append(view(f"k{step}", WORKING))
    for step in range(1, policies.PRICE_STEPS):
        desk.cancelled.append(view(f"k{step}", OrderState.CANCELLED))
    last = f"k{policies.PRICE_STEPS}"
    # A look or two per walked price, then a while at the last one.
    desk.read.extend([view("k1", WORKING)] * 12)
    desk.read.append(view(last, OrderState.LAPSED, reason_code=ErrorCode.ORDER_LAPSED))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert (result.state, result.code) == (RecommendationState.LAPSED, ErrorCode.ORDER_LAPSED)
    assert desk.count("judge_and_send") == policies.PRICE_STEPS


async def test_an_unproven_order_waits_for_the_operator_and_is_never_sent_again(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN, reason="no acknowledgement"))
    desk.resolved.extend([view("k1", OrderState.UNKNOWN, absent_looks=n) for n in range(1, 9)])
    desk.resolved.append(view("k1", OrderState.NOT_SENT, reason="declared not sent by a person"))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.LAPSED
    assert (desk.count("place_order"), desk.count("resolve_order")) == (1, 9)


@pytest.mark.parametrize("offered", [terms(), roll()], ids=["one option", "a package"])
async def test_a_denied_trade_is_concluded_and_succeeded_on_fresh_terms(
    client: Client, offered: Terms
):
    desk = FakeDesk()
    desk.terms = offered
    desk.denies(ErrorCode.PRICE_OUTSIDE_FLOOR)
    successor = uuid4()
    desk.successors = (successor,)
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
        child = client.get_workflow_handle_for(
            RecommendationWorkflow.run, recommendation_workflow_id(successor)
        )
        status = await child.query(RecommendationWorkflow.status)
        await child.terminate()
    assert (result.state, result.code) == (
        RecommendationState.DENIED,
        ErrorCode.PRICE_OUTSIDE_FLOOR,
    )
    assert desk.count("place_order") == 0
    assert status.state in ("", RecommendationState.PROPOSED)


async def test_a_denial_that_fresh_terms_cannot_mend_has_no_successor(client: Client):
    desk = FakeDesk()
    desk.denies(ErrorCode.TRADING_HALTED)
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.code is ErrorCode.TRADING_HALTED
    assert desk.count("propose_successor") == 0


async def test_a_withdrawn_trade_is_cancelled_and_not_attempted_again(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.PARTIAL, filled=1))
    desk.read.append(view("k1", OrderState.PARTIAL, filled=1))
    desk.cancelled.append(
        view("k1", OrderState.CANCELLED, filled=1, reason_code=ErrorCode.ORDER_CANCELLED)
    )
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        await handle.signal(RecommendationWorkflow.withdraw)
        result = await handle.result()
    assert (result.state, result.code) == (RecommendationState.LAPSED, ErrorCode.ORDER_CANCELLED)
    assert result.filled == 1
    assert desk.count("judge_and_send") == 1


async def test_an_order_in_doubt_is_cancelled_once_and_again_where_it_is_found(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN))
    looks = [view("k1", OrderState.UNKNOWN, absent_looks=n) for n in range(1, 6)]
    desk.cancelled.append(looks[0])
    desk.resolved.extend([*looks[1:], view("k1", OrderState.WORKING)])
    desk.cancelled.append(view("k1", OrderState.CANCELLED))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        await handle.signal(RecommendationWorkflow.withdraw)
        result = await handle.result()
    assert result.state is RecommendationState.LAPSED
    assert (desk.count("cancel_order"), desk.count("resolve_order")) == (2, 5)


async def test_a_broker_that_is_away_is_asked_again_until_it_answers(client: Client):
    desk = FakeDesk()
    desk.prepared.extend([ApplicationError("not connected", type="BROKER_UNAVAILABLE")] * 6)
    desk.offers_order("k1")
    desk.placed.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        result = await handle.result()
    assert result.state is RecommendationState.COMPLETED
    assert (desk.count("judge_and_send"), desk.count("prepare_order")) == (1, 6)
    assert desk.count("place_order") == 1


async def test_temporal_web_shows_state_and_what_is_waited_on(client: Client):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN, reason="no acknowledgement within 5 s"))
    desk.resolved.append(view("k1", FILLED, filled=2))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(RecommendationWorkflow.approve, approval(desk))
        await handle.result()
        upserted = [
            event.upsert_workflow_search_attributes_event_attributes.search_attributes
            async for event in handle.fetch_history_events()
            if event.HasField("upsert_workflow_search_attributes_event_attributes")
        ]
    seen = [
        {name: payload.data.decode().strip('"') for name, payload in each.indexed_fields.items()}
        for each in upserted
    ]
    steps = [
        (each["GreenlightState"], each["GreenlightWaitingOn"])
        for each in seen
        if "GreenlightState" in each
    ]
    assert steps == [
        ("PROPOSED", "human"),
        ("CHECKING", "broker"),
        ("UNKNOWN", "operator"),
        ("FILLED", "nothing"),
        ("COMPLETED", "nothing"),
    ]
    assert seen[0]["GreenlightUnderlying"] == "SPY"
    assert "k1" in [each.get("GreenlightOrderKey") for each in seen]
