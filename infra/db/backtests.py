"""Keeping backtests: a run in mode BACKTEST, and beside it what was asked and found."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import (
    BacktestEnd,
    BacktestFindings,
    BacktestJob,
    BacktestOutcome,
    BacktestStatus,
    BegunBacktest,
    Progress,
    SweepBegin,
)
from infra.db.clock import host_now
from infra.db.models import Backtest, BacktestSweep, Client, RunMode, RunStatus, StrategyRun
from infra.db.session import Sessions

UNNAMED_AUTHOR = "Temporal"


class PostgresBacktests:
    """``domain.ports.backtests.BacktestStore`` over Postgres."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def begin(self, job: BacktestJob) -> BegunBacktest:
        async with self._sessions.begin() as session:
            row = await begin_backtest(session, job)
            return BegunBacktest(run_id=row.strategy_run_id, outcome=_outcome_of(row))

    async def progress(self, run_id: UUID, progress: Progress) -> None:
        async with self._sessions.begin() as session:
            await session.execute(
                update(Backtest)
                .where(Backtest.strategy_run_id == run_id)
                .values(progress=progress.model_dump())
            )

    async def complete(self, run_id: UUID, findings: BacktestFindings) -> BacktestOutcome:
        async with self._sessions.begin() as session:
            row = await _locked(session, Backtest.strategy_run_id == run_id)
            assert row is not None
            done = _outcome_of(row)
            if done is not None:
                return done
            run = row.strategy_run
            run.status = RunStatus.COMPLETED
            run.finished_at = host_now()
            run.stats = findings.stats
            run.errors = list(findings.errors)
            row.data_label = findings.data_label
            row.data_digest = findings.data_digest
            row.result_digest = findings.result_digest
            row.document = findings.document
            outcome = _outcome_of(row)
            assert outcome is not None
            return outcome

    async def end(self, end: BacktestEnd) -> None:
        async with self._sessions.begin() as session:
            await end_backtest(session, end)

    async def begin_sweep(self, begin: SweepBegin) -> UUID:
        async with self._sessions.begin() as session:
            return (await begin_sweep(session, begin)).id

    async def end_sweep(self, end: BacktestEnd) -> None:
        async with self._sessions.begin() as session:
            await end_sweep(session, end)


async def begin_backtest(
    session: AsyncSession, job: BacktestJob, *, again: bool = True
) -> Backtest:
    """The row of ``job``, made if there is none; ``again`` has one that failed run once more."""
    request = job.request
    row = await _locked(session, Backtest.key == job.key)
    if row is None:
        client_id = await client_called(session, request.client)
        run = StrategyRun(mode=RunMode.BACKTEST, workflow_id=job.workflow_id, started_at=host_now())
        session.add(run)
        await session.flush()
        made = await session.execute(
            insert(Backtest)
            .values(
                strategy_run_id=run.id,
                key=job.key,
                sweep_id=job.sweep_id,
                position=job.position,
                client_id=client_id,
                user_id=request.user_id,
                author=request.author or UNNAMED_AUTHOR,
                name=request.title,
                strategy=request.strategy,
                request=request.model_dump(mode="json"),
                request_digest=request.digest,
            )
            .on_conflict_do_nothing(index_elements=[Backtest.key])
            .returning(Backtest.id)
        )
        if made.scalar_one_or_none() is None:
            # Somebody else began it at this very moment; theirs stands.
            await session.delete(run)
        row = await _locked(session, Backtest.key == job.key)
        assert row is not None
    if row.request_digest != request.digest:
        raise _used_before(job.key)
    run = row.strategy_run
    if again and run.status in (RunStatus.FAILED, RunStatus.CANCELLED):
        run.status, run.finished_at, run.errors = RunStatus.RUNNING, None, []
        row.progress = None
    return row


async def end_backtest(session: AsyncSession, end: BacktestEnd) -> None:
    """End one that runs without a result; any other stays as it is."""
    row = await _locked(session, Backtest.key == end.key)
    if row is not None and row.strategy_run.status is RunStatus.RUNNING:
        run = row.strategy_run
        run.status = RunStatus(end.status.value)
        run.finished_at = host_now()
        run.errors = list(end.errors)


async def begin_sweep(
    session: AsyncSession, begin: SweepBegin, *, again: bool = True
) -> BacktestSweep:
    """The row of a sweep, made if there is none; ``again`` has one that ended run once more."""
    request = begin.request
    client_id = await client_called(session, request.client)
    await session.execute(
        insert(BacktestSweep)
        .values(
            workflow_id=begin.workflow_id,
            client_id=client_id,
            user_id=request.user_id,
            author=request.author or UNNAMED_AUTHOR,
            name=request.title,
            strategy=request.strategy,
            request=request.model_dump(mode="json"),
            total=request.total,
            status=RunStatus.RUNNING,
            started_at=host_now(),
            errors=[],
        )
        .on_conflict_do_nothing(index_elements=[BacktestSweep.workflow_id])
    )
    row = await session.scalar(
        select(BacktestSweep)
        .where(BacktestSweep.workflow_id == begin.workflow_id)
        .with_for_update()
    )
    assert row is not None
    asked = type(request).model_validate(row.request)
    if asked.digest != request.digest:
        raise _used_before(begin.workflow_id)
    if again and row.status is not RunStatus.RUNNING:
        row.status, row.finished_at, row.errors = RunStatus.RUNNING, None, []
    return row


async def end_sweep(session: AsyncSession, end: BacktestEnd) -> None:
    """End a sweep; what of a cancelled one still counts as running ends with it."""
    row = await session.scalar(
        select(BacktestSweep).where(BacktestSweep.workflow_id == end.key).with_for_update()
    )
    if row is None or row.status is not RunStatus.RUNNING:
        return
    row.status = RunStatus(end.status.value)
    row.finished_at = host_now()
    row.errors = list(end.errors)
    if end.status is BacktestStatus.CANCELLED:
        unfinished = select(Backtest.strategy_run_id).where(Backtest.sweep_id == row.id)
        await session.execute(
            update(StrategyRun)
            .where(StrategyRun.id.in_(unfinished), StrategyRun.status == RunStatus.RUNNING)
            .values(status=RunStatus.CANCELLED, finished_at=host_now())
        )


async def client_called(session: AsyncSession, slug: str | None) -> UUID | None:
    """The client of that slug. GreenlightError INVALID_INPUT where there is none."""
    if slug is None:
        return None
    found = await session.scalar(select(Client.id).where(Client.slug == slug))
    if found is None:
        raise GreenlightError(
            ErrorCode.INVALID_INPUT, f'there is no client "{slug}"', field="client"
        )
    return found


async def _locked(session: AsyncSession, which: object) -> Backtest | None:
    return await session.scalar(
        select(Backtest)
        .where(which)  # type: ignore[arg-type]
        .with_for_update(of=Backtest)
        .execution_options(populate_existing=True)
    )


def _outcome_of(row: Backtest) -> BacktestOutcome | None:
    """What a complete backtest ended with; None for any other."""
    run = row.strategy_run
    if run.status is not RunStatus.COMPLETED:
        return None
    return BacktestOutcome(
        run_id=run.id,
        status=BacktestStatus.COMPLETED,
        name=row.name,
        stats=run.stats,
        result_digest=row.result_digest,
        data_digest=row.data_digest,
        errors=tuple(run.errors),
    )


def _used_before(key: str) -> GreenlightError:
    return GreenlightError(
        ErrorCode.IDEMPOTENCY_KEY_REUSED,
        f"the workflow id {key} belongs to a backtest of other settings; choose another id",
        field="workflow_id",
    )
