"""Orders that stay in doubt: who is waited for, and histories that do not grow without end."""

from __future__ import annotations

import pytest
from temporalio.client import Client

from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from tests.workflows.fake_desk import FakeDesk, view
from workflows import policies
from workflows.ids import recommendation_workflow_id
from workflows.messages import DecisionMessage, OrderMessage
from workflows.recommendation import RecommendationWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_quarantined_order_waits_for_the_operator_until_a_correction_lifts_it(
    client: Client,
):
    desk = FakeDesk()
    desk.offers_order("k1")
    held = view("k1", OrderState.QUARANTINE, filled=3, reason="overfilled: 3 of 2")
    desk.placed.append(held)
    desk.read.append(held)
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(
            RecommendationWorkflow.approve, DecisionMessage(decision_id=desk.approval)
        )
        waiting = await until_waiting_on(handle, "operator")
        assert "overfilled" in waiting.detail
        desk.read[0] = view("k1", OrderState.FILLED, filled=2)
        await handle.signal(RecommendationWorkflow.order_changed, OrderMessage(order_key="k1"))
        result = await handle.result()
    assert (result.state, result.filled) == (RecommendationState.COMPLETED, 2)
    assert desk.count("place_order") == 1


@pytest.mark.parametrize(
    ("traded", "ending"), [(2, RecommendationState.COMPLETED), (1, RecommendationState.LAPSED)]
)
async def test_an_order_declared_over_ends_the_recommendation_by_what_was_traded(
    client: Client, traded: int, ending: RecommendationState
):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN))
    over = view("k1", OrderState.ENDED, traded, reason_code=ErrorCode.ORDER_DECLARED_ENDED)
    desk.read.append(over)
    desk.resolved.append(over)
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(
            RecommendationWorkflow.approve, DecisionMessage(decision_id=desk.approval)
        )
        await handle.signal(RecommendationWorkflow.order_changed, OrderMessage(order_key="k1"))
        result = await handle.result()
    assert (result.state, result.filled) == (ending, traded)


async def test_a_long_wait_goes_on_in_a_fresh_history_and_forgets_nothing(
    client: Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(policies, "HISTORY_EVENTS", 30)
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN))
    desk.resolved.extend(view("k1", OrderState.UNKNOWN, absent_looks=n) for n in range(12))
    desk.resolved.append(view("k1", OrderState.FILLED, filled=2))
    desk.read.append(view("k1", OrderState.UNKNOWN))
    async with desk.open(client):
        handle = await desk.start(client)
        await handle.signal(
            RecommendationWorkflow.approve, DecisionMessage(decision_id=desk.approval)
        )
        first = (await handle.describe()).run_id
        result = await handle.result()
        last = await client.get_workflow_handle(
            recommendation_workflow_id(desk.recommendation_id)
        ).describe()
    assert (result.state, result.filled) == (RecommendationState.COMPLETED, 2)
    assert result.order_keys == ("k1",)
    assert last.run_id != first
    assert (desk.count("judge_and_send"), desk.count("place_order")) == (1, 1)


async def until_waiting_on(handle, who: str):
    while (status := await handle.query(RecommendationWorkflow.status)).waiting_on != who:
        pass
    return status
