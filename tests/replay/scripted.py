"""Histories of endings that a real desk comes to only by accident: lapses, quarantine, doubt.

The workflow and the Temporal server are real; what the broker and the records answer is scripted.
Replay looks at the workflow's commands alone, and these are the same.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.recommendations import RecommendationState
from infra.embedded.temporal import temporal_binary
from tests.workflows.fake_desk import FakeDesk, view
from workflows.messages import DecisionMessage, OrderMessage, RecommendationResult
from workflows.recommendation import RecommendationWorkflow

Handle = WorkflowHandle[RecommendationWorkflow, RecommendationResult]
Act = Callable[[FakeDesk, Handle], Awaitable[None]]


async def approve(desk: FakeDesk, handle: Handle) -> None:
    message = DecisionMessage(decision_id=desk.approval)
    await handle.signal(RecommendationWorkflow.approve, message)


# --- the endings -----------------------------------------------------------------------------


async def lapsed(desk: FakeDesk, handle: Handle) -> None:
    """The broker ends the order with its day, a part of it filled."""
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.LAPSED, filled=1, reason_code=ErrorCode.ORDER_LAPSED))
    await approve(desk, handle)
    await handle.signal(RecommendationWorkflow.order_changed, OrderMessage(order_key="k1"))


async def withdrawn(desk: FakeDesk, handle: Handle) -> None:
    """A person has the order cancelled, and no further attempt is made."""
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.WORKING))
    desk.cancelled.append(view("k1", OrderState.CANCELLED, reason_code=ErrorCode.ORDER_CANCELLED))
    await approve(desk, handle)
    await handle.signal(RecommendationWorkflow.withdraw)


async def superseded(desk: FakeDesk, handle: Handle) -> None:
    """A newer offer takes its place while it waits."""
    desk.state = RecommendationState.SUPERSEDED
    await handle.signal(RecommendationWorkflow.recommendation_changed)


async def denied(desk: FakeDesk, handle: Handle) -> None:
    """For a reason that fresh terms would not mend."""
    desk.denies(ErrorCode.QUANTITY_LIMIT)
    await approve(desk, handle)


async def quarantined(desk: FakeDesk, handle: Handle) -> None:
    """More executed than ordered; a correction by the broker lifts it."""
    held = view("k1", OrderState.QUARANTINE, filled=3, reason="overfilled: 3 of 2")
    desk.offers_order("k1")
    desk.placed.append(held)
    desk.read.extend([held, view("k1", OrderState.FILLED, filled=2)])
    await approve(desk, handle)


async def not_sent(desk: FakeDesk, handle: Handle) -> None:
    """Never acknowledged, absent from every look, declared not sent by a person."""
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN, reason="no acknowledgement"))
    desk.resolved.extend([view("k1", OrderState.UNKNOWN, absent_looks=n) for n in range(1, 4)])
    desk.resolved.append(view("k1", OrderState.NOT_SENT, reason="declared not sent by a person"))
    await approve(desk, handle)


SCRIPTS: dict[str, tuple[Act, RecommendationState]] = {
    "lapsed": (lapsed, RecommendationState.LAPSED),
    "withdrawn": (withdrawn, RecommendationState.LAPSED),
    "superseded": (superseded, RecommendationState.SUPERSEDED),
    "denied": (denied, RecommendationState.DENIED),
    "quarantined": (quarantined, RecommendationState.COMPLETED),
    "not-sent": (not_sent, RecommendationState.LAPSED),
}


# --- carrying them out -----------------------------------------------------------------------


@asynccontextmanager
async def _temporal() -> AsyncIterator[Client]:
    """A server whose clock jumps ahead while workflows only wait."""
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=temporal_binary(),
        dev_server_extra_args=[
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
        ],
    )
    async with environment:
        yield environment.client


async def histories() -> dict[str, tuple[str, str]]:
    """Workflow id and history (JSON) by the ending's name."""
    found: dict[str, tuple[str, str]] = {}
    async with _temporal() as client:
        for name, (act, ending) in SCRIPTS.items():
            desk = FakeDesk()
            desk.recommendation_id = uuid4()
            async with desk.open(client):
                handle = await desk.start(client)
                await act(desk, handle)
                result = await handle.result()
            assert result.state is ending, (name, result)
            found[name] = (handle.id, (await handle.fetch_history()).to_json())
    return found
