"""Backtests and sweeps as workflows: retried, resumed, cancelled, asked how far they are."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import Worker

from activities.backtests import BacktestActivities
from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import (
    BacktestEnd,
    BacktestFindings,
    BacktestJob,
    BacktestOutcome,
    BacktestRequest,
    BacktestStatus,
    BegunBacktest,
    Hear,
    Progress,
    SweepBegin,
)
from infra.embedded.temporal import temporal_binary
from infra.temporal.interceptor import DeskInterceptor
from infra.temporal.setup import add_search_attributes
from infra.temporal.worker import sandbox
from workflows import backtest as code
from workflows.backtest import BacktestSweepWorkflow, BacktestWorkflow
from workflows.ids import BACKTEST_QUEUE, CORE_QUEUE
from workflows.messages import SweepProgress

pytestmark = pytest.mark.asyncio(loop_scope="session")
SMALL = {"strategy": "theta", "data": ["/data"]}
GRID = {"exit_dte": [1, 2, 3, 4]}


class Records:
    """The record of backtests, in memory."""

    def __init__(self) -> None:
        self.runs: dict[str, UUID] = {}
        self.outcomes: dict[UUID, BacktestOutcome] = {}
        self.ends: list[BacktestEnd] = []
        self.sweep_ends: list[BacktestEnd] = []
        self.kept: list[Progress] = []

    async def begin(self, job: BacktestJob) -> BegunBacktest:
        run_id = self.runs.setdefault(job.key, uuid4())
        return BegunBacktest(run_id=run_id, outcome=self.outcomes.get(run_id))

    async def progress(self, run_id: UUID, progress: Progress) -> None:
        self.kept.append(progress)

    async def complete(self, run_id: UUID, findings: BacktestFindings) -> BacktestOutcome:
        return self.outcomes.setdefault(
            run_id,
            BacktestOutcome(
                run_id=run_id, status=BacktestStatus.COMPLETED, name="", stats=findings.stats
            ),
        )

    async def end(self, end: BacktestEnd) -> None:
        self.ends.append(end)

    async def begin_sweep(self, begin: SweepBegin) -> UUID:
        return self.runs.setdefault(begin.workflow_id, uuid4())

    async def end_sweep(self, end: BacktestEnd) -> None:
        self.sweep_ends.append(end)


class Engine:
    """Computes at once, or those with ``holds`` as exit_dte (all, if None) once ``gate`` opens.

    The ``sharpe`` of a backtest is its exit_dte.
    """

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun: asyncio.Queue[BacktestRequest] = asyncio.Queue()
        self.stopped = 0
        self.refuses: Any = None
        self.holds: Any = None

    async def run(self, request: BacktestRequest, hear: Hear) -> BacktestFindings:
        self.begun.put_nowait(request)
        hear(Progress(done=1, of=2, session="2019-05-01"))
        exit_dte = request.config.get("exit_dte")
        if self.refuses is not None and exit_dte == self.refuses:
            raise GreenlightError(ErrorCode.DATA_INVALID, "x.csv, line 3, bid: 'a' is no number")
        try:
            if self.holds in (None, exit_dte):
                await self.gate.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return BacktestFindings(
            stats={"sharpe": exit_dte},
            result_digest="",
            data_label="",
            data_digest="",
            errors=(),
            stopped=False,
            document=b"",
        )


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest_asyncio.fixture(loop_scope="session")
async def desk(client: Client, records: Records, engine: Engine) -> AsyncIterator[Client]:
    await add_search_attributes(client)
    async with core(client, records, engine), computing(client, records, engine):
        yield client


@asynccontextmanager
async def core(client: Client, records: Records, engine: Engine) -> AsyncIterator[None]:
    activities = BacktestActivities(records, engine)
    async with Worker(
        client,
        task_queue=CORE_QUEUE,
        workflows=[BacktestWorkflow, BacktestSweepWorkflow],
        activities=[
            activities.begin_backtest,
            activities.begin_sweep,
            activities.end_backtest,
            activities.end_sweep,
        ],
        workflow_runner=sandbox(),
        interceptors=[DeskInterceptor()],
    ):
        yield


def computing(client: Client, records: Records, engine: Engine) -> Worker:
    return Worker(
        client,
        task_queue=BACKTEST_QUEUE,
        activities=[BacktestActivities(records, engine).run_backtest],
        interceptors=[DeskInterceptor()],
        max_concurrent_activities=4,
    )


async def started(client: Client, kind: str, raw: Any) -> WorkflowHandle[Any, Any]:
    """As Temporal's own command line starts it: by name, with plain JSON."""
    return await client.start_workflow(kind, raw, id=f"{kind}-{uuid4()}", task_queue=CORE_QUEUE)


async def failure(handle: WorkflowHandle[Any, Any]) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause


async def test_a_backtest_runs_and_is_asked_how_far_it_is(
    desk: Client, engine: Engine, records: Records
):
    engine.gate.clear()
    handle = await started(desk, "BacktestWorkflow", {**SMALL, "config": {"exit_dte": 5}})
    await engine.begun.get()
    while (now := await handle.query("progress"))["percent"] != 50.0:  # noqa: ASYNC110 - asked for
        await asyncio.sleep(0.05)
    assert now["progress"] == {"done": 1, "of": 2, "session": "2019-05-01"}
    assert now["status"] == "RUNNING"
    engine.gate.set()
    result = await handle.result()
    assert (result["status"], result["stats"]) == ("COMPLETED", {"sharpe": 5})
    assert UUID(result["run_id"]) == records.runs[handle.id]
    assert records.kept[0] == Progress(done=1, of=2, session="2019-05-01")


@pytest.mark.parametrize(
    ("raw", "kind", "said"),
    [
        ({"strategy": "theta"}, "INVALID_INPUT", "data: Field required"),
        ("theta", "INVALID_INPUT", "must be a JSON object"),
        (SMALL | {"strategy": "alpha"}, "STRATEGY_UNRESOLVED", "wheel, theta"),
        (SMALL | {"config": {"max_delta": 7}}, "CONFIG_INVALID", "max_delta"),
    ],
)
async def test_bad_input_fails_at_once_and_says_what_is_wrong(
    desk: Client, raw: Any, kind: str, said: str
):
    failed = await failure(await started(desk, "BacktestWorkflow", raw))
    assert (failed.type, failed.non_retryable) == (kind, True)
    assert said in failed.message


async def test_unusable_data_fails_the_backtest_on_record(
    desk: Client, engine: Engine, records: Records
):
    engine.refuses = 5
    handle = await started(desk, "BacktestWorkflow", {**SMALL, "config": {"exit_dte": 5}})
    failed = await failure(handle)
    assert failed.type == "DATA_INVALID"
    assert failed.message.startswith("x.csv, line 3")
    assert {end.status for end in records.ends} == {BacktestStatus.FAILED}


async def test_a_cancelled_backtest_stops_computing_and_is_cancelled_on_record(
    desk: Client, engine: Engine, records: Records
):
    engine.gate.clear()
    handle = await started(desk, "BacktestWorkflow", SMALL)
    await engine.begun.get()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert engine.stopped == 1
    assert {end.status for end in records.ends} == {BacktestStatus.CANCELLED}


async def test_a_worker_that_stops_hands_its_backtest_to_the_next(
    client: Client, engine: Engine, records: Records
):
    await add_search_attributes(client)
    engine.gate.clear()
    async with core(client, records, engine):
        async with computing(client, records, engine):
            handle = await started(client, "BacktestWorkflow", SMALL)
            await engine.begun.get()
        assert engine.stopped == 1
        engine.gate.set()
        async with computing(client, records, engine):
            result = await handle.result()
    assert result["status"] == "COMPLETED"
    assert (len(records.runs), records.ends) == (1, [])


async def test_a_sweep_ranks_its_backtests_and_outlives_one_that_fails(
    desk: Client, engine: Engine, records: Records
):
    engine.refuses = 4
    handle = await started(desk, "BacktestSweepWorkflow", {**SMALL, "grid": GRID})
    result = SweepProgress.model_validate(await handle.result())
    assert (result.total, result.completed, result.failed) == (4, 3, 1)
    assert [row.label for row in result.best] == ["exit_dte=3", "exit_dte=2", "exit_dte=1"]
    assert result.errors == ("3 (exit_dte=4): x.csv, line 3, bid: 'a' is no number",)
    assert records.sweep_ends[0].status is BacktestStatus.COMPLETED


async def test_no_more_run_at_once_than_asked_for(desk: Client, engine: Engine):
    engine.gate.clear()
    asked = {**SMALL, "grid": GRID, "max_concurrent": 2}
    handle = await started(desk, "BacktestSweepWorkflow", asked)
    for _ in range(2):
        await engine.begun.get()
    assert (await handle.query("progress"))["next"] == 2
    assert engine.begun.empty()
    engine.gate.set()
    assert (await handle.result())["completed"] == 4


async def test_a_sweep_that_loses_its_worker_does_only_what_was_not_done(
    client: Client, engine: Engine, records: Records
):
    await add_search_attributes(client)
    engine.gate.clear()
    engine.holds = 3
    asked = {**SMALL, "grid": GRID, "max_concurrent": 1}
    async with core(client, records, engine):
        async with computing(client, records, engine):
            handle = await started(client, "BacktestSweepWorkflow", asked)
            while (await engine.begun.get()).config["exit_dte"] != 3:
                pass
        engine.gate.set()
        async with computing(client, records, engine):
            result = await handle.result()
    assert result["completed"] == 4
    again = [engine.begun.get_nowait() for _ in range(engine.begun.qsize())]
    assert [request.config["exit_dte"] for request in again] == [3, 4]


async def test_a_cancelled_sweep_stops_what_runs_and_begins_no_more(
    desk: Client, engine: Engine, records: Records
):
    engine.gate.clear()
    asked = {**SMALL, "grid": GRID, "max_concurrent": 2}
    handle = await started(desk, "BacktestSweepWorkflow", asked)
    for _ in range(2):
        await engine.begun.get()
    await handle.cancel()
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert (engine.stopped, engine.begun.qsize()) == (2, 0)
    assert [end.status for end in records.sweep_ends] == [BacktestStatus.CANCELLED]


async def test_a_long_sweep_goes_on_with_a_fresh_history(
    desk: Client, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(code.policies, "HISTORY_EVENTS", 30)
    asked = {**SMALL, "grid": {"exit_dte": list(range(12))}, "max_concurrent": 2}
    handle = await started(desk, "BacktestSweepWorkflow", asked)
    result = SweepProgress.model_validate(await handle.result())
    assert (result.completed, result.next) == (12, 12)
    first = await desk.get_workflow_handle(
        handle.id, run_id=handle.first_execution_run_id
    ).describe()
    assert first.status is not None
    assert first.status.name == "CONTINUED_AS_NEW"
    assert engine.begun.qsize() == 12


async def test_a_wrong_configuration_in_a_sweep_is_named_before_anything_runs(
    desk: Client, engine: Engine
):
    asked = {**SMALL, "configs": [{"exit_dte": 3}, {"exit_dte": -3}]}
    failed = await failure(await started(desk, "BacktestSweepWorkflow", asked))
    assert failed.type == "CONFIG_INVALID"
    assert failed.message.startswith("backtest 1 (exit_dte=-3): ")
    assert engine.begun.empty()


async def test_temporals_own_command_line_starts_one_and_reads_its_progress_and_result(
    desk: Client, engine: Engine
):
    workflow_id = f"by-hand-{uuid4()}"
    await temporal(
        desk, "start", "--type", "BacktestWorkflow", "--task-queue", "greenlight",
        "--workflow-id", workflow_id, "--input", json.dumps({**SMALL, "config": {"exit_dte": 2}}),
    )  # fmt: skip
    result = await temporal(desk, "result", "--workflow-id", workflow_id)
    assert result["result"]["stats"] == {"sharpe": 2}
    told = await temporal(desk, "query", "--type", "progress", "--workflow-id", workflow_id)
    assert told["queryResult"][0]["status"] == "COMPLETED"


async def temporal(client: Client, *arguments: str) -> Any:
    config = client.service_client.config
    process = await asyncio.create_subprocess_exec(
        temporal_binary(), "workflow", *arguments, "--address", config.target_host,
        "--namespace", client.namespace, "--output", "json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    said, wrong = await process.communicate()
    assert process.returncode == 0, wrong.decode()
    return json.loads(said)
