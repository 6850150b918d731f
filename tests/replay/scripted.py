"""Histories that a real desk comes to only by accident: lapses, quarantine, doubt, crashes.

The workflow and the Temporal server are real; what the broker and the records answer is scripted.
Replay looks at the workflow's commands alone, and these are the same.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment

from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.recommendations import DecisionAction, RecommendationState
from infra.embedded.temporal import temporal_binary
from tests.unit.trade_factories import roll
from tests.workflows.fake_desk import FakeDesk, view
from workflows import policies
from workflows.messages import (
    DecisionMessage,
    OrderMessage,
    RecommendationResult,
    TradeProgress,
)
from workflows.recommendation import RecommendationWorkflow

Handle = WorkflowHandle[RecommendationWorkflow, RecommendationResult]
Act = Callable[[FakeDesk, Handle], Awaitable[None]]


async def approve(desk: FakeDesk, handle: Handle) -> None:
    message = DecisionMessage(decision_id=desk.approval)
    await handle.signal(RecommendationWorkflow.approve, message)


# --- the endings -----------------------------------------------------------------------------


async def completed(desk: FakeDesk, handle: Handle) -> None:
    """Filled at its first price; on a real desk the price may be walked before, by chance."""
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.FILLED, filled=2))
    await approve(desk, handle)
    await handle.signal(RecommendationWorkflow.order_changed, OrderMessage(order_key="k1"))


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


async def withdrawn_in_doubt(desk: FakeDesk, handle: Handle) -> None:
    """Its end is asked for while nobody knows whether it arrived; found, it is cancelled."""
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.UNKNOWN, reason="no acknowledgement"))
    in_doubt = [view("k1", OrderState.UNKNOWN, absent_looks=n) for n in range(1, 5)]
    desk.cancelled.append(in_doubt[0])
    desk.resolved.extend([*in_doubt[1:], view("k1", OrderState.WORKING)])
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


async def walked(desk: FakeDesk, handle: Handle) -> None:
    """The price is walked to its worst; each cancel is proven before the next attempt."""
    keys = [f"k{step}" for step in range(1, policies.PRICE_STEPS + 1)]
    for key in keys:
        desk.offers_order(key)
        desk.placed.append(view(key, OrderState.WORKING))
    desk.cancelled.extend(view(key, OrderState.CANCELLED) for key in keys[:-1])
    # A look or two per walked price, then a while at the last one.
    desk.read.extend([view(keys[0], OrderState.WORKING)] * 12)
    desk.read.append(view(keys[-1], OrderState.FILLED, filled=2))
    await approve(desk, handle)


async def stayed(desk: FakeDesk, handle: Handle) -> None:
    """Every next price is the one it works at: it is never cancelled."""
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.WORKING))
    desk.next_prices = deque([view("k1", OrderState.WORKING).limit_price])
    desk.read.extend([view("k1", OrderState.WORKING)] * 12)
    desk.read.append(view("k1", OrderState.FILLED, filled=2))
    await approve(desk, handle)


async def succeeded_package(desk: FakeDesk, handle: Handle) -> None:
    """A roll whose price the market has left: denied, and its successor sought."""
    desk.denies(ErrorCode.PRICE_OUTSIDE_FLOOR)
    await approve(desk, handle)


async def looked_up(desk: FakeDesk, handle: Handle) -> None:
    """The sender fails after its send: what it did is read back, and found in the books."""
    desk.offers_order("k1")
    desk.placed.append(ApplicationError("the worker died"))
    desk.resolved.append(view("k1", OrderState.WORKING))
    desk.read.append(view("k1", OrderState.FILLED, filled=2))
    await approve(desk, handle)


async def sent_by_itself(desk: FakeDesk, handle: Handle) -> None:
    """The sender fails before it has judged: what is judged afresh is sent by an activity of
    its own."""
    desk.prepared.append(ApplicationError("the worker died", non_retryable=True))
    desk.offers_order("k1")
    desk.placed.append(view("k1", OrderState.FILLED, filled=2))
    await approve(desk, handle)


async def forged(desk: FakeDesk, handle: Handle) -> None:
    """A signal with no approval behind it, then a rejection."""
    await handle.signal(RecommendationWorkflow.approve, DecisionMessage(decision_id=uuid4()))
    rejection = uuid4()
    desk.decisions[rejection] = DecisionAction.REJECT
    desk.state = RecommendationState.REJECTED
    await handle.signal(RecommendationWorkflow.reject, DecisionMessage(decision_id=rejection))


async def resumed(desk: FakeDesk, handle: Handle) -> None:
    """A later run of a long wait: it goes on with the order that was under way."""


SCRIPTS: dict[str, tuple[Act, RecommendationState]] = {
    "completed": (completed, RecommendationState.COMPLETED),
    "lapsed": (lapsed, RecommendationState.LAPSED),
    "withdrawn": (withdrawn, RecommendationState.LAPSED),
    "withdrawn-in-doubt": (withdrawn_in_doubt, RecommendationState.LAPSED),
    "superseded": (superseded, RecommendationState.SUPERSEDED),
    "denied": (denied, RecommendationState.DENIED),
    "quarantined": (quarantined, RecommendationState.COMPLETED),
    "not-sent": (not_sent, RecommendationState.LAPSED),
    "walked": (walked, RecommendationState.COMPLETED),
    "stayed": (stayed, RecommendationState.COMPLETED),
    "package-denied": (succeeded_package, RecommendationState.DENIED),
    "looked-up": (looked_up, RecommendationState.COMPLETED),
    "sent-by-itself": (sent_by_itself, RecommendationState.COMPLETED),
    "forged": (forged, RecommendationState.REJECTED),
    "resumed": (resumed, RecommendationState.COMPLETED),
}


def _desk_for(name: str) -> FakeDesk:
    """A desk as the script of that name finds it."""
    desk = FakeDesk()
    desk.recommendation_id = uuid4()
    if name == "package-denied":
        desk.terms = roll()
    if name == "resumed":
        desk.progress = TradeProgress(
            decision_id=desk.approval,
            price_step=1,
            walking=False,
            abandoned=0,
            filled=Decimal(0),
            order_keys=("k1",),
            withdrawn=False,
        )
        desk.read.append(view("k1", OrderState.UNKNOWN))
        desk.resolved.append(view("k1", OrderState.FILLED, filled=2))
    return desk


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
            desk = _desk_for(name)
            async with desk.open(client):
                handle = await desk.start(client)
                await act(desk, handle)
                result = await handle.result()
            assert result.state is ending, (name, result)
            found[name] = (handle.id, (await handle.fetch_history()).to_json())
    return found
