"""Workers for backtests whose records and computations a test holds in its hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
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
from infra.temporal.interceptor import DeskInterceptor
from infra.temporal.worker import computing_worker, sandbox
from workflows.backtest import BacktestSweepWorkflow, BacktestWorkflow
from workflows.ids import CORE_QUEUE

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


def computing(client: Client, records: Records, engine: Engine, slots: int = 4) -> Worker:
    return computing_worker(client, BacktestActivities(records, engine), slots)


async def started(client: Client, kind: str, raw: Any) -> WorkflowHandle[Any, Any]:
    """As Temporal's own command line starts it: by name, with plain JSON."""
    return await client.start_workflow(kind, raw, id=f"{kind}-{uuid4()}", task_queue=CORE_QUEUE)


async def failure(handle: WorkflowHandle[Any, Any]) -> ApplicationError:
    with pytest.raises(WorkflowFailureError) as failed:
        await handle.result()
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause
