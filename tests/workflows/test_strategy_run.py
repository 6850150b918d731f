"""How strategies are run side by side and what becomes of their recommendations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from activities.ingestion import CapturedMarket
from activities.strategies import BeginRun, FailedRun, GenerateRequest
from domain.ports import RunOutcome, RunPlan
from domain.recommendations import RecommendationState
from domain.strategies.base import ChainWindow
from infra.temporal.interceptor import DeskInterceptor
from infra.temporal.setup import add_search_attributes
from infra.temporal.worker import sandbox
from tests.workflows.fake_desk import GATEWAY, FakeDesk
from workflows.ids import CORE_QUEUE, broker_queue, recommendation_workflow_id
from workflows.messages import StrategyRunsInput, StrategyRunsReport
from workflows.recommendation import RecommendationWorkflow
from workflows.strategy_run import StrategyRunsWorkflow, StrategyRunWorkflow

pytestmark = pytest.mark.asyncio(loop_scope="session")


class FakeStrategies:
    """Instances that can run, the one that is broken, and what the others find."""

    def __init__(self, instances: list[UUID]) -> None:
        self.instances = instances
        self.broken_config: UUID | None = None
        self.broken_market: UUID | None = None
        self.finds: dict[UUID, RunOutcome] = {}
        self.failed: list[FailedRun] = []

    @activity.defn
    async def runnable_instances(self) -> list[UUID]:
        return self.instances

    @activity.defn
    async def begin_strategy_run(self, request: BeginRun) -> RunPlan:
        if request.instance_id == self.broken_config:
            raise ApplicationError("min_dte is missing", type="CONFIG_INVALID", non_retryable=True)
        return RunPlan(
            run_id=request.instance_id,
            instance_id=request.instance_id,
            gateway=GATEWAY,
            account_code="DU1",
            universe=("SPY",),
            window=ChainWindow(min_dte=20, max_dte=40),
        )

    @activity.defn
    async def capture_market(self, plan: RunPlan) -> CapturedMarket:
        if plan.instance_id == self.broken_market:
            raise ApplicationError("no data", type="DATA_INVALID", non_retryable=True)
        return CapturedMarket(chain_ids=(uuid4(),))

    @activity.defn
    async def generate_recommendations(self, request: GenerateRequest) -> RunOutcome:
        return self.finds.get(request.plan.instance_id, RunOutcome(run_id=request.plan.run_id))

    @activity.defn
    async def fail_strategy_run(self, request: FailedRun) -> None:
        self.failed.append(request)

    @asynccontextmanager
    async def open(self, client: Client, desk: FakeDesk) -> AsyncIterator[None]:
        await add_search_attributes(client)
        core = Worker(
            client,
            task_queue=CORE_QUEUE,
            workflows=[StrategyRunsWorkflow, StrategyRunWorkflow, RecommendationWorkflow],
            activities=[
                self.runnable_instances,
                self.begin_strategy_run,
                self.generate_recommendations,
                self.fail_strategy_run,
                desk.read_recommendation,
                desk.check_deadline,
            ],
            workflow_runner=sandbox(),
            interceptors=[DeskInterceptor()],
        )
        broker = Worker(client, task_queue=broker_queue(GATEWAY), activities=[self.capture_market])
        async with core, broker:
            yield


async def run(client: Client, request: StrategyRunsInput | None = None) -> StrategyRunsReport:
    return await client.execute_workflow(
        StrategyRunsWorkflow.run,
        request or StrategyRunsInput(),
        id=f"strategy-runs-{uuid4()}",
        task_queue=CORE_QUEUE,
    )


async def test_one_failing_instance_stops_no_other(client: Client):
    strategies = FakeStrategies([uuid4(), uuid4(), uuid4()])
    strategies.broken_config, strategies.broken_market, healthy = strategies.instances
    async with strategies.open(client, FakeDesk()):
        report = await run(client)
    assert report.ran == 3
    assert [outcome.run_id for outcome in report.outcomes] == [healthy]
    assert [failed.run_id for failed in strategies.failed] == [strategies.broken_market]
    assert "no data" in strategies.failed[0].errors[0]


async def test_only_the_instances_asked_for_run(client: Client):
    strategies = FakeStrategies([uuid4(), uuid4()])
    wanted = strategies.instances[1]
    async with strategies.open(client, FakeDesk()):
        report = await run(client, StrategyRunsInput(instance_ids=(wanted,)))
    assert [outcome.run_id for outcome in report.outcomes] == [wanted]


async def test_each_recommendation_gets_a_workflow_that_outlives_the_run(client: Client):
    strategies, desk = FakeStrategies([uuid4()]), FakeDesk()
    proposed = uuid4()
    strategies.finds[strategies.instances[0]] = RunOutcome(
        run_id=strategies.instances[0], proposed=(proposed,)
    )
    async with strategies.open(client, desk):
        await run(client)
        handle = client.get_workflow_handle_for(
            RecommendationWorkflow.run, recommendation_workflow_id(proposed)
        )
        desk.state = RecommendationState.SUPERSEDED
        await handle.signal(RecommendationWorkflow.recommendation_changed)
        result = await handle.result()
    assert result.state is RecommendationState.SUPERSEDED


async def test_a_superseded_recommendation_whose_workflow_is_gone_fails_nothing(client: Client):
    strategies = FakeStrategies([uuid4()])
    strategies.finds[strategies.instances[0]] = RunOutcome(
        run_id=strategies.instances[0], superseded=(uuid4(),)
    )
    async with strategies.open(client, FakeDesk()):
        report = await run(client)
    assert len(report.outcomes) == 1
