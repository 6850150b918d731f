"""Runs whose workflow is over without their having heard of it, on a real Temporal server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowHandle

from domain.ports.backtests import BacktestJob, BacktestRequest, SweepBegin, SweepRequest
from infra.backtests.claims import COMMAND_LINE
from infra.db import models as m
from infra.db.backtests import PostgresBacktests
from infra.db.session import create_engine, sessions
from infra.db.strategy_runs import SUCCESSOR, PostgresStrategies
from infra.temporal.dead_runs import end_dead_runs
from tests.integration.trading_world import TradingWorld

pytestmark = pytest.mark.integration
TERMINATED = "its workflow was terminated in Temporal"
UNKNOWN = "its workflow is no longer known to Temporal"


class Runs:
    """What counts as running, and the workflows that nobody works on."""

    def __init__(self, desk: TradingWorld, client: Client) -> None:
        self.desk, self.client = desk, client
        self.strategies = PostgresStrategies(desk.sessions)
        self.backtests = PostgresBacktests(desk.sessions)
        self.name = f"run-{uuid4()}"

    async def workflow(self, name: str) -> WorkflowHandle[object, object]:
        return await self.client.start_workflow("Any", id=name, task_queue="nobody")

    async def begin(self, name: str) -> UUID:
        instance = self.desk.owners["strategy_instance_id"]
        return (await self.strategies.begin_run(instance, name)).run_id

    async def backtest(self, key: str) -> UUID:
        request = BacktestRequest.model_validate({"strategy": "theta", "data": ["/x"]})
        job = BacktestJob(key=key, workflow_id=key, request=request)
        return (await self.backtests.begin(job)).run_id

    async def look(self, grace: timedelta = timedelta()) -> int:
        return await end_dead_runs(self.desk.sessions, self.client, grace)

    async def state(self, run_id: UUID) -> tuple[str, list[object]]:
        async with self.desk.sessions() as session:
            run = await session.get_one(m.StrategyRun, run_id)
            return str(run.status), run.errors


@pytest.fixture
async def runs(database_url: str, temporal_address: str) -> AsyncIterator[Runs]:
    engine = create_engine(database_url)
    desk = await TradingWorld(sessions(engine)).build()
    async with desk.sessions.begin() as session:
        instance = await session.get_one(m.StrategyInstance, desk.owners["strategy_instance_id"])
        instance.config = {"universe": ["SPY"]}
    yield Runs(desk, await Client.connect(temporal_address))
    await engine.dispose()


async def test_a_run_whose_workflow_is_terminated_has_failed_and_one_at_work_has_not(runs: Runs):
    handle = await runs.workflow(runs.name)
    run_id = await runs.begin(runs.name)
    assert (await runs.look(), await runs.state(run_id)) == (0, ("RUNNING", []))
    await handle.terminate("by hand")
    # What has only just begun may be ahead of its workflow.
    assert await runs.look(timedelta(minutes=1)) == 0
    assert (await runs.look(), await runs.state(run_id)) == (1, ("FAILED", [TERMINATED]))
    assert await runs.look() == 0


async def test_a_successors_run_is_its_recommendations_workflows(runs: Runs):
    handle = await runs.workflow(runs.name)
    run_id = await runs.begin(runs.name + SUCCESSOR)
    assert await runs.look() == 0
    await handle.terminate()
    assert (await runs.look(), await runs.state(run_id)) == (1, ("FAILED", [TERMINATED]))


async def test_dead_backtests_and_sweeps_have_failed_but_not_those_on_the_command_line(runs: Runs):
    alone = await runs.backtest(runs.name)
    here = await runs.backtest(COMMAND_LINE + runs.name)
    sweep = SweepRequest.model_validate(
        {"strategy": "theta", "data": ["/x"], "grid": {"run.seed": [1, 2]}}
    )
    begin = SweepBegin(workflow_id=f"sweep-{runs.name}", request=sweep)
    sweep_id = await runs.backtests.begin_sweep(begin)
    assert await runs.look() == 2
    assert await runs.state(alone) == ("FAILED", [UNKNOWN])
    assert await runs.state(here) == ("RUNNING", [])
    async with runs.desk.sessions() as session:
        ended = await session.get_one(m.BacktestSweep, sweep_id)
    assert (str(ended.status), ended.errors) == ("FAILED", [UNKNOWN])
