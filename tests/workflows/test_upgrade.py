"""An upgrade with recommendations under way: begun by an older build, ended by this one.

The older build is the same code with every ``workflow.patched`` taking its former branch and
leaving no marker, which is what the code before the patches did. Each case is a workflow that the
older worker has brought some way; the worker is stopped, one of this build takes its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from tests.workflows.fake_desk import FakeDesk, view
from workflows.messages import DecisionMessage, OrderMessage, RecommendationResult
from workflows.recommendation import RecommendationWorkflow

pytestmark = pytest.mark.integration
Handle = WorkflowHandle[RecommendationWorkflow, RecommendationResult]
Act = Callable[[FakeDesk, Handle], Awaitable[None]]


@pytest.fixture
async def client(temporal_address: str) -> Client:
    return await Client.connect(temporal_address, data_converter=pydantic_data_converter)


@contextmanager
def older_build() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workflow, "patched", lambda _: False)
        yield


async def until(handle: Handle, holds: Callable[[], bool], waiting_on: str) -> None:
    """Until something has been asked of the desk, and the workflow waits for ``waiting_on``."""
    async with asyncio.timeout(30):
        while True:
            status = await handle.query(RecommendationWorkflow.status)
            if holds() and status.waiting_on == waiting_on:
                return
            await asyncio.sleep(0.05)


async def approve(desk: FakeDesk, handle: Handle) -> None:
    await handle.signal(RecommendationWorkflow.approve, DecisionMessage(decision_id=desk.approval))


async def order_changed(handle: Handle) -> None:
    await handle.signal(RecommendationWorkflow.order_changed, OrderMessage(order_key="k1"))


# --- how far the older build brings it, and what happens after the upgrade --------------------


async def waits_for_a_person(desk: FakeDesk, handle: Handle) -> None:
    await until(handle, lambda: desk.count("check_deadline") > 0, "human")


async def is_approved(desk: FakeDesk, handle: Handle) -> None:
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.FILLED, filled=2))
    await approve(desk, handle)


async def is_rejected(desk: FakeDesk, handle: Handle) -> None:
    desk.decisions.clear()
    desk.state = RecommendationState.REJECTED
    await handle.signal(RecommendationWorkflow.reject, DecisionMessage(decision_id=desk.approval))


async def order_works(desk: FakeDesk, handle: Handle) -> None:
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.WORKING))
    await approve(desk, handle)
    await until(handle, lambda: desk.count("place_order") == 1, "market")


async def order_fills(desk: FakeDesk, handle: Handle) -> None:
    desk.read[0] = view("k1", OrderState.FILLED, filled=2)
    await order_changed(handle)


async def order_is_withdrawn(desk: FakeDesk, handle: Handle) -> None:
    cancelled = view("k1", OrderState.CANCELLED, reason_code=ErrorCode.ORDER_CANCELLED)
    desk.cancelled.append(cancelled)
    await handle.signal(RecommendationWorkflow.withdraw)


async def price_is_walked(desk: FakeDesk, handle: Handle) -> None:
    """Cancelled by a price step, and sent anew: as the workflow began, by two activities."""
    desk.offers_order("k2")
    desk.placed[0] = view("k2", OrderState.FILLED, filled=2)
    desk.cancelled.append(view("k1", OrderState.CANCELLED))


async def order_is_unknown(desk: FakeDesk, handle: Handle) -> None:
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN, reason="no acknowledgement"))
    desk.resolved.append(view("k1", OrderState.UNKNOWN, absent_looks=1))
    await approve(desk, handle)
    await until(handle, lambda: desk.count("place_order") == 1, "operator")


async def books_prove_it_filled(desk: FakeDesk, handle: Handle) -> None:
    desk.resolved[0] = view("k1", OrderState.FILLED, filled=2)
    await order_changed(handle)


class Case(NamedTuple):
    before: Act
    after: Act
    ending: RecommendationState
    sends: int


COMPLETED = RecommendationState.COMPLETED
CASES = {
    "waits, then approved": Case(waits_for_a_person, is_approved, COMPLETED, 1),
    "waits, then rejected": Case(waits_for_a_person, is_rejected, RecommendationState.REJECTED, 0),
    "works, then fills": Case(order_works, order_fills, COMPLETED, 1),
    "works, then withdrawn": Case(order_works, order_is_withdrawn, RecommendationState.LAPSED, 1),
    "works, then walked": Case(order_works, price_is_walked, COMPLETED, 2),
    "unknown, then proven": Case(order_is_unknown, books_prove_it_filled, COMPLETED, 1),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_an_older_worker_began_this_one_ends_rightly_and_sends_nothing_twice(
    client: Client, name: str, monkeypatch: pytest.MonkeyPatch
):
    case, desk = CASES[name], FakeDesk()
    if case.after is price_is_walked:
        monkeypatch.setattr("workflows.policies.PRICE_STEP_AFTER", timedelta(seconds=1))
    with older_build():
        async with desk.open(client):
            handle = await desk.start(client)
            await case.before(desk, handle)
    asked_before = len(desk.calls)

    async with desk.open(client):
        await case.after(desk, handle)
        async with asyncio.timeout(60):
            result = await handle.result()

    assert (result.state, desk.count("place_order")) == (case.ending, case.sends)
    assert len(desk.calls) > asked_before or case.sends == 0
    judged_by_one = desk.count("judge_and_send")
    assert judged_by_one == (1 if case.after is is_approved else 0), "the branch it began on"


async def test_gone_back_to_a_build_that_does_not_know_it_a_workflow_waits_and_then_goes_on(
    client: Client,
):
    desk = FakeDesk()
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.WORKING))
    async with desk.open(client):
        handle = await desk.start(client)
        await approve(desk, handle)
        await until(handle, lambda: desk.count("place_order") == 1, "market")
    with older_build():
        async with desk.open(client):
            await order_fills(desk, handle)
            await until_a_task_failed(handle)
    assert (desk.count("place_order"), desk.conclusions) == (1, [])
    async with desk.open(client):
        async with asyncio.timeout(60):
            result = await handle.result()
    assert (result.state, desk.count("place_order")) == (COMPLETED, 1)


async def until_a_task_failed(handle: Handle) -> None:
    async with asyncio.timeout(30):
        while True:
            async for event in handle.fetch_history_events():
                if event.HasField("workflow_task_failed_event_attributes"):
                    return
            await asyncio.sleep(0.1)
