"""A desk of scripted answers: real workflows on a real server, activities that a test scripts."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from temporalio import activity
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.orders import (
    NextPrice,
    OrderRef,
    OrderView,
    Prepared,
    PreparedOutcome,
    PrepareOrder,
)
from activities.recommendations import Conclusion, DecisionRef, RecommendationRef
from domain.errors import ErrorCode
from domain.orders import OrderState
from domain.ports import DeadlineCheck, RecommendationBrief, RunOutcome
from domain.recommendations import DecisionAction, RecommendationState
from infra.temporal.interceptor import DeskInterceptor
from infra.temporal.setup import add_search_attributes
from infra.temporal.worker import STICKY_TIMEOUT, sandbox
from tests.unit.trade_factories import terms
from workflows.ids import CORE_QUEUE, broker_queue, recommendation_workflow_id
from workflows.messages import RecommendationInput, RecommendationResult, TradeProgress
from workflows.recommendation import RecommendationWorkflow

GATEWAY = "scripted"
"""Not the gateway of other worlds: pollers of a queue are remembered for minutes."""
Answer = OrderView | Exception


def view(key: str, state: OrderState, filled: int = 0, **changes: Any) -> OrderView:
    return OrderView(
        order_key=key,
        state=state,
        quantity=Decimal(2),
        filled=Decimal(filled),
        limit_price=Decimal("4.15"),
        **changes,
    )


class FakeDesk:
    """Scripted records and broker. What is not scripted fails the test by an empty queue."""

    def __init__(self) -> None:
        self.recommendation_id = uuid4()
        self.approval = uuid4()
        self.decisions: dict[UUID, DecisionAction] = {self.approval: DecisionAction.APPROVE}
        self.terms = terms()
        self.progress: TradeProgress | None = None
        """Of an earlier run, which this one goes on with."""
        self.state = RecommendationState.PROPOSED
        self.seconds_left = timedelta(hours=2).total_seconds()
        self.on_deadline: Callable[[], None] = lambda: None
        self.prepared: deque[Prepared | Exception] = deque()
        self.placed: deque[Answer] = deque()
        self.left_by_sender: str | None = None
        """The key of an order whose sender failed, until that is looked into."""
        self.resolved: deque[Answer] = deque()
        self.cancelled: deque[Answer] = deque()
        self.read: deque[Answer] = deque()
        self.next_prices: deque[Decimal | Exception] = deque([Decimal("4.10")])
        """Of the attempts that would follow; not the price of the order that works."""
        self.successors: tuple[UUID, ...] = ()
        self.calls: list[tuple[str, Any]] = []
        self.conclusions: list[Conclusion] = []

    # --- scripting -------------------------------------------------------------------------

    def offers_order(self, key: str) -> None:
        self.prepared.append(
            Prepared(outcome=PreparedOutcome.ORDER, order=view(key, OrderState.READY))
        )

    def denies(self, code: ErrorCode) -> None:
        self.prepared.append(Prepared(outcome=PreparedOutcome.DENIED, code=code, reason="because"))

    def count(self, name: str) -> int:
        return sum(1 for called, _ in self.calls if called == name)

    def requests(self, name: str) -> list[Any]:
        return [request for called, request in self.calls if called == name]

    # --- activities ------------------------------------------------------------------------

    @activity.defn
    async def read_recommendation(self, request: RecommendationRef) -> RecommendationBrief:
        return RecommendationBrief(
            id=request.recommendation_id,
            state=self.state,
            terms=self.terms,
            gateway=GATEWAY,
            strategy="Wheel",
            summary="Sell 2 SPY puts",
        )

    @activity.defn
    async def check_deadline(self, request: RecommendationRef) -> DeadlineCheck:
        self.calls.append(("check_deadline", request))
        if self.count("check_deadline") > 1:
            self.on_deadline()
        decision = self.approval if self.state is RecommendationState.APPROVED else None
        left = self.seconds_left if self.state is RecommendationState.PROPOSED else 0
        return DeadlineCheck(state=self.state, host_seconds_left=left, decision_id=decision)

    @activity.defn
    async def read_decision(self, request: DecisionRef) -> DecisionAction | None:
        self.calls.append(("read_decision", request))
        return self.decisions.get(request.decision_id)

    @activity.defn
    async def conclude_recommendation(self, request: Conclusion) -> None:
        self.conclusions.append(request)

    @activity.defn
    async def judge_and_send(self, request: PrepareOrder) -> Prepared:
        self.calls.append(("judge_and_send", request))
        if self.decisions.get(request.decision_id) is not DecisionAction.APPROVE:
            return Prepared(outcome=PreparedOutcome.NOT_APPROVED, code=ErrorCode.NOT_APPROVED)
        judged = self._judged()
        if judged.order is None or judged.order.state is not OrderState.READY:
            return judged
        self.left_by_sender = judged.order.order_key
        sent = self._answer("place_order", OrderRef(order_key=self.left_by_sender), self.placed)
        self.left_by_sender = None
        return judged.model_copy(update={"order": sent})

    @activity.defn
    async def prepare_order(self, request: PrepareOrder) -> Prepared:
        self.calls.append(("prepare_order", request))
        left, self.left_by_sender = self.left_by_sender, None
        if left is not None:
            return Prepared(outcome=PreparedOutcome.ORDER, order=view(left, OrderState.SENDING))
        return self._judged()

    def _judged(self) -> Prepared:
        answer = self.prepared.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    @activity.defn
    async def next_price(self, request: PrepareOrder) -> NextPrice:
        self.calls.append(("next_price", request))
        found = self.next_prices
        answer = found[0] if len(found) == 1 else found.popleft()
        if isinstance(answer, Exception):
            raise answer
        return NextPrice(limit_price=answer)

    @activity.defn
    async def place_order(self, request: OrderRef) -> OrderView:
        return self._answer("place_order", request, self.placed)

    @activity.defn
    async def resolve_order(self, request: OrderRef) -> OrderView:
        return self._answer("resolve_order", request, self.resolved)

    @activity.defn
    async def cancel_order(self, request: OrderRef) -> OrderView:
        return self._answer("cancel_order", request, self.cancelled)

    @activity.defn
    async def read_order(self, request: OrderRef) -> OrderView:
        return self._answer("read_order", request, self.read)

    @activity.defn
    async def propose_successor(self, request: RecommendationRef) -> RunOutcome:
        self.calls.append(("propose_successor", request))
        return RunOutcome(run_id=uuid4(), proposed=self.successors)

    def _answer(self, name: str, request: OrderRef, answers: deque[Answer]) -> OrderView:
        self.calls.append((name, request))
        # The last answer stands for as long as it is asked for.
        answer = answers[0] if len(answers) == 1 else answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    # --- running ---------------------------------------------------------------------------

    @asynccontextmanager
    async def open(self, client: Client) -> AsyncIterator[FakeDesk]:
        await add_search_attributes(client)
        core = Worker(
            client,
            task_queue=CORE_QUEUE,
            workflows=[RecommendationWorkflow],
            activities=[
                self.read_recommendation,
                self.check_deadline,
                self.read_decision,
                self.conclude_recommendation,
                self.read_order,
            ],
            workflow_runner=sandbox(),
            interceptors=[DeskInterceptor()],
            sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        )
        broker = Worker(
            client,
            task_queue=broker_queue(GATEWAY),
            activities=[
                self.judge_and_send,
                self.prepare_order,
                self.next_price,
                self.place_order,
                self.resolve_order,
                self.cancel_order,
                self.propose_successor,
            ],
            interceptors=[DeskInterceptor()],
        )
        async with core, broker:
            yield self

    async def start(
        self, client: Client
    ) -> WorkflowHandle[RecommendationWorkflow, RecommendationResult]:
        return await client.start_workflow(
            RecommendationWorkflow.run,
            RecommendationInput(recommendation_id=self.recommendation_id, progress=self.progress),
            id=recommendation_workflow_id(self.recommendation_id),
            task_queue=CORE_QUEUE,
        )
