"""Backtests on record: what is retried finds what it wrote before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import func, select

from domain.errors import ErrorCode, GreenlightError
from domain.ports.backtests import (
    BacktestEnd,
    BacktestFindings,
    BacktestJob,
    BacktestRequest,
    BacktestStatus,
    Progress,
    SweepBegin,
    SweepRequest,
)
from infra.db.backtests import PostgresBacktests
from infra.db.models import Backtest, BacktestSweep, RunMode, RunStatus, StrategyRun
from infra.db.session import Sessions, create_engine, sessions

pytestmark = pytest.mark.integration


@pytest.fixture
async def opened(database_url: str) -> AsyncIterator[Sessions]:
    engine = create_engine(database_url)
    yield sessions(engine)
    await engine.dispose()


@pytest.fixture
def store(opened: Sessions) -> PostgresBacktests:
    return PostgresBacktests(opened)


def job(key: str = "backtest-1", **changes: object) -> BacktestJob:
    settings = {"strategy": "theta", "data": ["/x"], **changes}
    request = BacktestRequest.model_validate(settings)
    return BacktestJob(key=key, workflow_id=key, request=request)


FINDINGS = BacktestFindings(
    stats={"return": 0.1},
    result_digest="r",
    data_label="x",
    data_digest="d",
    errors=("one",),
    stopped=False,
    document=b"packed",
)


async def run_of(opened: Sessions, run_id: UUID) -> StrategyRun:
    async with opened() as session:
        run = await session.get(StrategyRun, run_id)
        assert run is not None
        return run


async def test_a_repeated_beginning_finds_the_run_and_a_result_is_kept_once(
    store: PostgresBacktests, opened: Sessions
):
    first, second = await store.begin(job()), await store.begin(job())
    assert first == second
    assert first.outcome is None
    await store.progress(first.run_id, Progress(done=3, of=9, session="2019-05-01"))
    outcome = await store.complete(first.run_id, FINDINGS)
    again = await store.complete(first.run_id, FINDINGS.model_copy(update={"stats": {}}))
    assert outcome == again == (await store.begin(job())).outcome
    run = await run_of(opened, first.run_id)
    assert (run.mode, run.status, run.stats) == (
        RunMode.BACKTEST,
        RunStatus.COMPLETED,
        {"return": 0.1},
    )
    async with opened() as session:
        assert await session.scalar(select(func.count()).select_from(StrategyRun)) == 1
        row = (await session.execute(select(Backtest.document, Backtest.progress))).one()
    assert row == (b"packed", {"done": 3, "of": 9, "session": "2019-05-01"})


async def test_one_that_failed_runs_again_under_its_own_id(
    store: PostgresBacktests, opened: Sessions
):
    run_id = (await store.begin(job())).run_id
    await store.end(
        BacktestEnd(key="backtest-1", status=BacktestStatus.FAILED, errors=("no such file",))
    )
    failed = await run_of(opened, run_id)
    assert (failed.status, failed.errors) == (RunStatus.FAILED, ["no such file"])
    assert (await store.begin(job())).run_id == run_id
    assert (await run_of(opened, run_id)).status is RunStatus.RUNNING


async def test_an_end_does_not_overwrite_a_result(store: PostgresBacktests, opened: Sessions):
    run_id = (await store.begin(job())).run_id
    await store.complete(run_id, FINDINGS)
    await store.end(BacktestEnd(key="backtest-1", status=BacktestStatus.CANCELLED))
    assert (await run_of(opened, run_id)).status is RunStatus.COMPLETED


async def test_a_workflow_id_is_not_used_for_something_else(store: PostgresBacktests):
    await store.begin(job())
    with pytest.raises(GreenlightError, match="backtest-1") as refused:
        await store.begin(job(seed=7))
    assert refused.value.code is ErrorCode.IDEMPOTENCY_KEY_REUSED


async def test_an_unknown_client_is_refused_by_name(store: PostgresBacktests, opened: Sessions):
    with pytest.raises(GreenlightError, match='no client "nobody"'):
        await store.begin(job(client="nobody"))
    async with opened() as session:
        assert await session.scalar(select(func.count()).select_from(StrategyRun)) == 0


async def test_a_cancelled_sweep_takes_what_still_runs_with_it(
    store: PostgresBacktests, opened: Sessions
):
    request = SweepRequest.model_validate(
        {"strategy": "theta", "data": ["/x"], "grid": {"exit_dte": [1, 2]}}
    )
    sweep_id = await store.begin_sweep(SweepBegin(workflow_id="sweep-1", request=request))
    assert sweep_id == await store.begin_sweep(SweepBegin(workflow_id="sweep-1", request=request))
    runs: list[UUID] = []
    for point in request.points():
        part = BacktestJob(
            key=f"sweep-1/{point.position}",
            workflow_id="sweep-1",
            request=point.request,
            sweep_id=sweep_id,
            position=point.position,
        )
        runs.append((await store.begin(part)).run_id)
    await store.complete(runs[0], FINDINGS)
    await store.end_sweep(BacktestEnd(key="sweep-1", status=BacktestStatus.CANCELLED))
    found = [(await run_of(opened, run_id)).status for run_id in runs]
    assert found == [RunStatus.COMPLETED, RunStatus.CANCELLED]
    async with opened() as session:
        sweep = (await session.scalars(select(BacktestSweep))).one()
    assert (sweep.status, sweep.total) == (RunStatus.CANCELLED, 2)
