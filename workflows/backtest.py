"""Backtests as workflows: one, and a sweep of many fanned out over all workers.

Both take plain JSON from whoever starts them, Temporal's own command line included, so the input
is checked here: what is wrong with it fails the workflow with the names of the wrong fields.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception
from temporalio.workflow import ActivityCancellationType

with workflow.unsafe.imports_passed_through():
    from activities.backtests import BacktestActivities
    from domain.errors import GreenlightError
    from domain.ports.backtests import (
        BacktestEnd,
        BacktestJob,
        BacktestOutcome,
        BacktestRequest,
        BacktestStatus,
        Progress,
        SweepBegin,
        SweepPoint,
        SweepRequest,
        understood,
    )
    from workflows import policies
    from workflows.ids import BACKTEST_QUEUE, sweep_point_key
    from workflows.messages import (
        BacktestProgressAnswer,
        SweepInput,
        SweepProgress,
        SweepRow,
    )
    from workflows.visibility import conclude_backtest, describe_backtest, history_is_long

BEST_KEPT = 10
ERRORS_KEPT = 20
R = TypeVar("R", bound=BacktestRequest)


@workflow.defn
class BacktestWorkflow:
    """One backtest: recorded, computed by a worker that has a core to spare, kept."""

    def __init__(self) -> None:
        self._answer = BacktestProgressAnswer()

    @workflow.run
    async def run(self, request: Any = None) -> BacktestOutcome:
        """``request`` is the JSON of a `BacktestRequest`."""
        asked = _understood(BacktestRequest, request)
        job = BacktestJob(
            key=workflow.info().workflow_id,
            workflow_id=workflow.info().workflow_id,
            request=asked,
            reports=True,
        )
        describe_backtest(asked.strategy, BacktestStatus.RUNNING, asked.title)
        try:
            outcome = await self._outcome(job)
        except (asyncio.CancelledError, ActivityError) as error:
            end = _end_after(error, job.key)
            self._note(status=end.status)
            await _record_end(BacktestActivities.end_backtest, end)
            conclude_backtest(end.status, "; ".join(end.errors) or "cancelled")
            if end.status is BacktestStatus.CANCELLED:
                raise
            raise _failure(error) from error
        self._note(status=outcome.status, percent=100.0)
        conclude_backtest(outcome.status, asked.title)
        return outcome

    @workflow.signal
    def progressed(self, progress: Progress) -> None:
        """How far the computation is."""
        self._note(progress=progress, percent=round(100 * progress.fraction, 1))
        workflow.set_current_details(
            f"{progress.done} of {progress.of} moments done, at {progress.session}"
        )

    @workflow.query
    def progress(self) -> BacktestProgressAnswer:
        return self._answer

    async def _outcome(self, job: BacktestJob) -> BacktestOutcome:
        begun = await workflow.execute_activity_method(
            BacktestActivities.begin_backtest,
            job,
            summary="check the configuration, record the run",
            **policies.RECORDS,
        )
        self._note(run_id=begun.run_id)
        if begun.outcome is not None:
            return begun.outcome
        return await _computed(job, job.request.title)

    def _note(self, **changes: Any) -> None:
        self._answer = self._answer.model_copy(update=changes)


@workflow.defn
class BacktestSweepWorkflow:
    """Many backtests: each an activity for whichever worker is free, so many at once.

    One that fails stops no other. What has finished is never done again: not after a worker's
    death, nor when the sweep goes on with a fresh history.
    """

    def __init__(self) -> None:
        self._state = SweepProgress()

    @workflow.run
    async def run(self, request: Any = None) -> SweepProgress:
        """``request`` is the JSON of a `SweepRequest`."""
        asked = _understood(SweepInput, request)
        self._state = asked.progress or SweepProgress(total=asked.total)
        describe_backtest(asked.strategy, BacktestStatus.RUNNING, self._words(asked))
        try:
            if self._state.sweep_id is None:
                await self._begin(asked)
            is_through = await self._run_points(asked)
        except (asyncio.CancelledError, ActivityError) as error:
            end = _end_after(error, workflow.info().workflow_id)
            await self._end(end)
            conclude_backtest(end.status, "; ".join(end.errors) or "cancelled")
            if end.status is BacktestStatus.CANCELLED:
                raise
            raise _failure(error) from error
        if not is_through:
            workflow.continue_as_new(asked.model_copy(update={"progress": self._state}))
        status = BacktestStatus.COMPLETED if self._state.completed else BacktestStatus.FAILED
        await self._end(BacktestEnd(key=workflow.info().workflow_id, status=status))
        conclude_backtest(status, self._words(asked))
        return self._state

    @workflow.query
    def progress(self) -> SweepProgress:
        return self._state

    async def _begin(self, asked: SweepInput) -> None:
        plain = SweepRequest.model_validate(asked.model_dump(exclude={"progress"}))
        sweep_id = await workflow.execute_activity_method(
            BacktestActivities.begin_sweep,
            SweepBegin(workflow_id=workflow.info().workflow_id, request=plain),
            summary=f"check {asked.total} configurations, record the sweep",
            **policies.RECORDS,
        )
        self._note(sweep_id=sweep_id)

    async def _run_points(self, asked: SweepInput) -> bool:
        """Whether every backtest was begun and is over; if not, the history has grown long."""
        places = asyncio.Semaphore(asked.max_concurrent)
        running: set[asyncio.Task[None]] = set()
        is_through = True
        try:
            for point in asked.points():
                if point.position < self._state.next:
                    continue
                await places.acquire()
                if history_is_long():
                    is_through = False
                    break
                self._note(next=point.position + 1)
                task = asyncio.create_task(self._run_point(asked, point, places))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.gather(*running)
        except (asyncio.CancelledError, ActivityError):
            for task in list(running):
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        return is_through

    async def _run_point(
        self, asked: SweepInput, point: SweepPoint, places: asyncio.Semaphore
    ) -> None:
        job = BacktestJob(
            key=sweep_point_key(workflow.info().workflow_id, point.position),
            workflow_id=workflow.info().workflow_id,
            request=point.request,
            sweep_id=self._state.sweep_id,
            position=point.position,
        )
        try:
            outcome = await _computed(job, f"{point.position + 1} of {asked.total}: {point.label}")
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            reason = f"{point.position} ({point.label}): {_reason(error)}"
            self._note(
                failed=self._state.failed + 1,
                errors=(*self._state.errors, reason)[:ERRORS_KEPT],
            )
        else:
            self._keep(asked, point, outcome)
        finally:
            places.release()
        workflow.set_current_details(self._words(asked))

    def _keep(self, asked: SweepInput, point: SweepPoint, outcome: BacktestOutcome) -> None:
        value = outcome.stats.get(asked.objective)
        row = SweepRow(
            position=point.position,
            label=point.label,
            run_id=outcome.run_id,
            objective=float(value) if isinstance(value, int | float) else None,
        )
        best = sorted((*self._state.best, row), key=_best_first)[:BEST_KEPT]
        self._note(completed=self._state.completed + 1, best=tuple(best))

    async def _end(self, end: BacktestEnd) -> None:
        self._note(status=end.status)
        errors = (*end.errors, *self._state.errors)[:ERRORS_KEPT]
        await _record_end(BacktestActivities.end_sweep, end.model_copy(update={"errors": errors}))

    def _note(self, **changes: Any) -> None:
        self._state = self._state.model_copy(update=changes)

    def _words(self, asked: SweepInput) -> str:
        state = self._state
        words = f"{state.completed} of {state.total} done"
        if state.failed:
            words += f", {state.failed} failed"
        if state.best and state.best[0].objective is not None:
            best = state.best[0]
            words += f"; best {asked.objective} so far {best.objective:.3f} with {best.label}"
        return words


async def _computed(job: BacktestJob, summary: str) -> BacktestOutcome:
    """The backtest, by whichever worker has a core to spare."""
    return await workflow.execute_activity_method(
        BacktestActivities.run_backtest,
        job,
        task_queue=BACKTEST_QUEUE,
        summary=summary,
        # A cancelled computation is over, and on record as such, before the workflow ends.
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        **policies.BACKTEST,
    )


def _best_first(row: SweepRow) -> tuple[float, int]:
    return (float("inf") if row.objective is None else -row.objective, row.position)


def _understood(kind: type[R], request: Any) -> R:
    try:
        return understood(kind, request)
    except GreenlightError as error:
        raise ApplicationError(
            error.detail, error.context.get("fields"), type=error.code.value, non_retryable=True
        ) from error


async def _record_end(activity: Any, end: BacktestEnd) -> None:
    await workflow.execute_activity_method(
        activity,
        args=[end],
        summary=f"record that it is {end.status.lower()}",
        **policies.RECORDS,
    )


def _end_after(error: BaseException, key: str) -> BacktestEnd:
    if is_cancelled_exception(error):
        return BacktestEnd(key=key, status=BacktestStatus.CANCELLED)
    return BacktestEnd(key=key, status=BacktestStatus.FAILED, errors=(_reason(error),))


def _failure(error: BaseException) -> ApplicationError:
    """What the workflow fails with: the reason in plain words, and its code."""
    cause = error.cause if isinstance(error, ActivityError) else None
    kind = cause.type if isinstance(cause, ApplicationError) else None
    return ApplicationError(_reason(error), type=kind, non_retryable=True)


def _reason(error: BaseException) -> str:
    cause = error.cause if isinstance(error, ActivityError) else None
    return cause.message if isinstance(cause, ApplicationError) else str(cause or error)
