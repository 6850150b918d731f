"""How the watch over options held waits, looks, and has strategies look."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.ingestion import MarketReport, MarketRequest, SyncRequest
from domain.instruments import OptionContract, Right
from domain.ports import MarketPlan
from domain.ports.lifecycle import LifecycleReport, TriggeredRuns
from infra.temporal.interceptor import DeskInterceptor
from infra.temporal.setup import add_search_attributes
from infra.temporal.worker import sandbox
from tests.workflows.fake_desk import GATEWAY
from workflows.ids import CORE_QUEUE, broker_queue
from workflows.lifecycle import LifecycleWorkflow
from workflows.messages import LifecycleInput, StrategyRunsInput, StrategyRunsReport

pytestmark = pytest.mark.asyncio(loop_scope="session")
HELD = OptionContract(
    symbol="SPY",
    trading_class="SPY",
    expiry=date(2026, 12, 18),
    strike=Decimal(640),
    right=Right.PUT,
    multiplier=Decimal(100),
    con_id=7,
)
HOUR = 3600.0


@workflow.defn(name="StrategyRunsWorkflow", sandboxed=False)
class RunsNoted:
    """Stands in for the strategies: being started is all that is asked of it."""

    @workflow.run
    async def run(self, request: StrategyRunsInput) -> StrategyRunsReport:
        return StrategyRunsReport(ran=len(request.instance_ids), outcomes=())


class FakeLifecycle:
    """Finds what it is told to at each look, then nothing any more."""

    def __init__(self, *finds: tuple[UUID, ...]) -> None:
        self.finds = list(finds)
        self.looks = 0
        self.priced: list[int] = []
        self.is_broker_there = True

    @activity.defn
    async def plan_lifecycle_look(self, request: SyncRequest) -> MarketPlan:
        return MarketPlan(options=(HELD,))

    @activity.defn
    async def sync_ibkr_market(self, request: MarketRequest) -> MarketReport:
        if not self.is_broker_there:
            raise ApplicationError("no gateway", type="BROKER_UNAVAILABLE", non_retryable=True)
        self.priced += [option.con_id for option in request.plan.options]
        return MarketReport()

    @activity.defn
    async def look_ahead(self, request: SyncRequest) -> LifecycleReport:
        self.looks += 1
        found = self.finds.pop(0) if self.finds else ()
        return LifecycleReport(
            open=len(found),
            runs=TriggeredRuns(instance_ids=found, reasons=("X expires",) * len(found)),
            next_look_seconds=HOUR,
            next_look_for="2 h before the last close of X",
        )

    @asynccontextmanager
    async def watching(self, client: Client) -> AsyncIterator[WorkflowHandle[object, None]]:
        await add_search_attributes(client)
        core = Worker(
            client,
            task_queue=CORE_QUEUE,
            workflows=[LifecycleWorkflow, RunsNoted],
            activities=[self.plan_lifecycle_look, self.look_ahead],
            workflow_runner=sandbox(),
            interceptors=[DeskInterceptor()],
        )
        queue = broker_queue(GATEWAY)
        broker = Worker(client, task_queue=queue, activities=[self.sync_ibkr_market])
        async with core, broker:
            handle = await client.start_workflow(
                LifecycleWorkflow.run,
                LifecycleInput(gateway=GATEWAY),
                id=f"lifecycle-{uuid4()}",
                task_queue=CORE_QUEUE,
            )
            yield handle
            await handle.terminate()

    async def looked(self, handle: WorkflowHandle[object, None], times: int) -> list[str]:
        """The types of the events of its history, once it waits after so many looks."""
        while True:
            history = await handle.fetch_history()
            kinds = [event.WhichOneof("attributes") or "" for event in history.events]
            if self.looks >= times and kinds.count("timer_started_event_attributes") >= times:
                return kinds


async def test_it_looks_again_when_its_timer_is_over_and_prices_what_is_held(client: Client):
    watch = FakeLifecycle()
    async with watch.watching(client) as handle:
        await watch.looked(handle, 3)
    assert watch.priced[:3] == [7, 7, 7]


async def test_what_has_come_up_has_the_strategies_concerned_look_once(client: Client):
    watch = FakeLifecycle((uuid4(), uuid4()))
    async with watch.watching(client) as handle:
        kinds = await watch.looked(handle, 3)
    assert kinds.count("start_child_workflow_execution_initiated_event_attributes") == 1


async def test_without_a_broker_it_looks_at_the_record_all_the_same(client: Client):
    watch = FakeLifecycle()
    watch.is_broker_there = False
    async with watch.watching(client) as handle:
        await watch.looked(handle, 1)
    assert watch.priced == []
