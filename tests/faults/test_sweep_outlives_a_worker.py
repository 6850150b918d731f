"""A sweep over two core workers, one of which is killed in the middle of it.

Temporal's own history of the sweep says what was computed how often, and by whom.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psutil
import pytest
from sqlalchemy import select
from temporalio.api.enums.v1 import EventType, PendingActivityState
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowHandle

from domain.ports.backtests import SweepRequest
from infra.backtests.submitting import start_backtest
from infra.db.models import Backtest, RunStatus, StrategyRun
from infra.db.session import create_engine, sessions
from infra.settings import Settings
from infra.temporal.client import connect
from infra.temporal.setup import add_search_attributes
from tests.chain_files import CONFIG, write_chains
from tests.faults.unhurried import Unhurried
from workflows.backtest import BacktestSweepWorkflow
from workflows.messages import SweepProgress

pytestmark = [pytest.mark.faults, pytest.mark.integration, pytest.mark.timeout(1000)]
ROOT = Path(__file__).parents[2]
POINTS = 12
DONE_BEFORE = 4
CHILDREN_END_WITHIN = 30.0
PATIENCE_SECONDS = 400.0


@dataclass(frozen=True)
class Computed:
    """One backtest of the sweep as Temporal recorded it: the attempt that completed it."""

    attempt: int
    by: str
    completed_at: datetime


@contextmanager
def core_worker(settings: Settings, log: Path) -> Iterator[psutil.Process]:
    """``greenlight worker core`` with one core to spare for backtests."""
    env = {
        **os.environ,
        "GREENLIGHT_DATABASE_URL": settings.database_url,
        "GREENLIGHT_TEMPORAL_ADDRESS": settings.temporal_address,
        "GREENLIGHT_BACKTEST_PROCESSES": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "infra.cli", "worker", "core"]
    with log.open("wb") as out, subprocess.Popen(command, env=env, stderr=out, cwd=ROOT) as process:
        try:
            yield psutil.Process(process.pid)
        finally:
            process.kill()


async def test_what_a_killed_worker_leaves_is_finished_by_the_other_and_nothing_is_done_twice(
    database_url: str, temporal_address: str, tmp_path: Path
):
    settings = Settings(database_url=database_url, temporal_address=temporal_address)
    client = await connect(settings)
    await add_search_attributes(client)
    request = SweepRequest(
        strategy=f"{Unhurried.__module__}:{Unhurried.__name__}",
        data=(str(write_chains(tmp_path / "history.csv")),),
        config=dict(CONFIG),
        grid={"run.seed": tuple(range(POINTS))},
        max_concurrent=4,
        objective="return",
    )
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(core_worker(settings, tmp_path / f"worker-{name}.log"))
            for name in ("one", "other")
        )
        workflow_id = f"sweep-{uuid4()}"
        await start_backtest(client, request, workflow_id)
        handle = client.get_workflow_handle_for(BacktestSweepWorkflow.run, workflow_id)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _until_both_have_computed(handle, (one, other))
            await _until_it_computes(handle, one)
        computing = one.children(recursive=True)
        before = await _finished(database_url)
        struck_at = datetime.now(UTC)
        one.kill()
        async with asyncio.timeout(PATIENCE_SECONDS):
            result = await handle.result()
        told = await handle.query(BacktestSweepWorkflow.progress)
        gone, alive = psutil.wait_procs(computing, CHILDREN_END_WITHIN)

    assert (result.total, result.completed, result.failed) == (POINTS, POINTS, 0)
    assert told == result
    done = await _computed(handle)
    assert len(done) == POINTS, "each was scheduled once"
    early = [each for each in done if each.completed_at <= struck_at]
    assert {each.attempt for each in early} == {1}
    late = [each for each in done if each.completed_at > struck_at]
    assert {each.by for each in late} == {_identity(other)}
    again = [each for each in late if each.attempt > 1]
    assert len(again) == 1, "what the killed one was computing, and only that, began again"
    after = await _finished(database_url)
    assert set(after) == set(range(POINTS))
    assert {place: after[place] for place in before} == before
    assert (alive, bool(gone)) == ([], True), "its computations ended with it"


async def _until_both_have_computed(
    handle: WorkflowHandle[BacktestSweepWorkflow, SweepProgress],
    workers: tuple[psutil.Process, psutil.Process],
) -> None:
    names = {_identity(each) for each in workers}
    while True:
        done = await _computed(handle)
        if len(done) >= DONE_BEFORE and {each.by for each in done} == names:
            return
        assert all(each.status() != psutil.STATUS_ZOMBIE for each in workers), "one has died"
        assert len(done) < POINTS, "one worker did everything"
        await asyncio.sleep(0.1)


async def _until_it_computes(
    handle: WorkflowHandle[BacktestSweepWorkflow, SweepProgress], worker: psutil.Process
) -> None:
    def is_its(activity: PendingActivityInfo) -> bool:
        begun = activity.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
        return begun and activity.last_worker_identity == _identity(worker)

    while True:
        told = await handle.describe()
        if any(is_its(each) for each in told.raw_description.pending_activities):
            return
        assert (await handle.query(BacktestSweepWorkflow.progress)).completed != POINTS
        await asyncio.sleep(0.05)


async def _computed(handle: WorkflowHandle[BacktestSweepWorkflow, SweepProgress]) -> list[Computed]:
    """The backtests that are complete."""
    events = [event async for event in handle.fetch_history_events()]
    scheduled = {
        event.event_id
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == "run_backtest"
    }
    begun = {
        event.event_id: event.activity_task_started_event_attributes
        for event in events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    }
    done: list[Computed] = []
    for event in events:
        completed = event.activity_task_completed_event_attributes
        if completed.scheduled_event_id in scheduled:
            started = begun[completed.started_event_id]
            at = event.event_time.ToDatetime(UTC)
            done.append(Computed(started.attempt, started.identity, at))
    return done


def _identity(worker: psutil.Process) -> str:
    """As the SDK names a client: by process and host."""
    return f"{worker.pid}@{socket.gethostname()}"


async def _finished(database_url: str) -> dict[int, tuple[datetime, str]]:
    """When each backtest of the sweep was finished, and its result, by its place."""
    engine = create_engine(database_url)
    async with sessions(engine)() as session:
        rows = await session.execute(
            select(Backtest.position, StrategyRun.finished_at, Backtest.result_digest)
            .join(StrategyRun, StrategyRun.id == Backtest.strategy_run_id)
            .where(StrategyRun.status == RunStatus.COMPLETED)
        )
        found = {place: (at, digest) for place, at, digest in rows}
    await engine.dispose()
    return found
