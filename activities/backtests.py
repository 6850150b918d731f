"""Backtests: recording that one began, computing it, keeping what it found.

`run_backtest` computes elsewhere (its runner's processes) and only waits here: it heartbeats how
far the computation is, keeps that on record, and now and then tells the workflow.
"""

from __future__ import annotations

import asyncio
import traceback
from datetime import timedelta
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.heartbeat import HEARTBEAT_SECONDS
from domain.backtest.settings import check_settings
from domain.errors import GreenlightError
from domain.ports.backtests import (
    BacktestEnd,
    BacktestFindings,
    BacktestJob,
    BacktestOutcome,
    BacktestRunner,
    BacktestStatus,
    BacktestStore,
    BegunBacktest,
    Progress,
    SweepBegin,
)

PROGRESSED = "progressed"
"""The signal by which a workflow hears how far its backtest is."""
TELL_EVERY = 0.05
"""Share of a backtest after which its workflow hears of it again: at most 20 signals each."""


class BacktestActivities:
    def __init__(self, store: BacktestStore, runner: BacktestRunner) -> None:
        self._store = store
        self._runner = runner

    @activity.defn
    async def begin_backtest(self, job: BacktestJob) -> BegunBacktest:
        """Check strategy and configuration, then record the run.

        Raises GreenlightError STRATEGY_UNRESOLVED, CONFIG_INVALID or INVALID_INPUT; nothing is on
        record then.
        """
        check_settings(job.request)
        return await self._store.begin(job)

    @activity.defn
    async def begin_sweep(self, begin: SweepBegin) -> UUID:
        """Check every configuration, then record the sweep. Raises as `begin_backtest` does."""
        check_settings(begin.request)
        return await self._store.begin_sweep(begin)

    @activity.defn
    async def run_backtest(self, job: BacktestJob) -> BacktestOutcome:
        """Compute one backtest and keep what it found.

        Repeating it is safe: a finished one is not computed again.
        """
        begun = await self._store.begin(job)
        if begun.outcome is not None:
            return begun.outcome
        try:
            findings = await _Watched(job, begun.run_id, self._store, self._runner).findings()
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details is not None and details.cancel_requested:
                await self._end(job, BacktestStatus.CANCELLED)
            raise
        except GreenlightError as error:
            if not error.is_transient:
                await self._end(job, BacktestStatus.FAILED, str(error))
            raise
        return await self._store.complete(begun.run_id, findings)

    @activity.defn
    async def end_backtest(self, end: BacktestEnd) -> None:
        await self._store.end(end)

    @activity.defn
    async def end_sweep(self, end: BacktestEnd) -> None:
        await self._store.end_sweep(end)

    async def _end(self, job: BacktestJob, status: BacktestStatus, *errors: str) -> None:
        await self._store.end(BacktestEnd(key=job.key, status=status, errors=errors))


class _Watched:
    """One computation under way, and whoever wants to know how far it is."""

    def __init__(
        self, job: BacktestJob, run_id: UUID, store: BacktestStore, runner: BacktestRunner
    ) -> None:
        self._job = job
        self._run_id = run_id
        self._store = store
        self._runner = runner
        self._now = Progress()
        self._kept = Progress()
        self._told = 0.0

    async def findings(self) -> BacktestFindings:
        """What the computation found. A worker that is stopping hands the work back at once."""
        computing = asyncio.create_task(self._runner.run(self._job.request, self._hear))
        beating = asyncio.create_task(self._beat())
        stopping = asyncio.create_task(activity.wait_for_worker_shutdown())
        try:
            await asyncio.wait({computing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if computing.done():
                return _finished(computing.result())
            raise _handed_back()
        finally:
            for task in (computing, beating, stopping):
                task.cancel()
            await asyncio.gather(computing, beating, stopping, return_exceptions=True)

    def _hear(self, progress: Progress) -> None:
        self._now = progress

    async def _beat(self) -> None:
        while True:
            activity.heartbeat(self._now.model_dump())
            if self._now != self._kept:
                self._kept = self._now
                await self._pass_on(self._now)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _pass_on(self, progress: Progress) -> None:
        """Keep it, and tell the workflow; what is missed is said again soon."""
        try:
            await self._store.progress(self._run_id, progress)
            if self._job.reports and progress.fraction - self._told >= TELL_EVERY:
                self._told = progress.fraction
                info = activity.info()
                assert info.workflow_id is not None
                handle = activity.client().get_workflow_handle(
                    info.workflow_id, run_id=info.workflow_run_id
                )
                await handle.signal(PROGRESSED, progress)
        except Exception:
            activity.logger.warning("progress not passed on:\n%s", traceback.format_exc(limit=2))


def _finished(findings: BacktestFindings) -> BacktestFindings:
    if findings.stopped:
        raise _handed_back()
    return findings


def _handed_back() -> ApplicationError:
    return ApplicationError(
        "this worker is stopping; the backtest begins again elsewhere",
        type="WORKER_STOPPING",
        next_retry_delay=timedelta(milliseconds=100),
    )
