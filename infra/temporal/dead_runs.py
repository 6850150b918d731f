"""Runs on record as running that nobody works on any more.

A workflow that is terminated in Temporal, or lost with its server, cannot say so. Left alone, its
run would count as running for ever, and "Run now" would wait for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import Row, func, not_, or_, select
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from domain.ports.backtests import BacktestEnd, BacktestStatus
from infra.backtests.claims import COMMAND_LINE
from infra.db.backtests import PostgresBacktests
from infra.db.models import Backtest, BacktestSweep, RunStatus, StrategyRun
from infra.db.session import Sessions
from infra.db.strategy_runs import SUCCESSOR, PostgresStrategies
from infra.temporal.delivery import RPC_TIMEOUT

LOOK_EVERY = timedelta(seconds=20)
# The record of a backtest may be a moment older than its workflow.
GRACE = timedelta(seconds=30)

log = structlog.stdlib.get_logger(__name__)


async def end_dead_runs(sessions: Sessions, client: Client, grace: timedelta = GRACE) -> int:
    """End as FAILED what counts as running though its workflow does not; how many there were.

    Looks at what began longer than ``grace`` ago. RPCError while Temporal does not answer.
    """
    backtests, strategies = PostgresBacktests(sessions), PostgresStrategies(sessions)
    runs, sweeps = await _running(sessions, grace)
    ended = 0
    for run_id, workflow_id, key in runs:
        how = await _how_it_ended(client, workflow_id.removesuffix(SUCCESSOR))
        if how is not None:
            if key is None:
                await strategies.fail_run(run_id, [how])
            else:
                await backtests.end(_failed(key, how))
            ended += 1
    for workflow_id in sweeps:
        how = await _how_it_ended(client, workflow_id)
        if how is not None:
            await backtests.end_sweep(_failed(workflow_id, how))
            ended += 1
    return ended


async def _running(
    sessions: Sessions, grace: timedelta
) -> tuple[Sequence[Row[UUID, str, str | None]], Sequence[str]]:
    """Runs by id, workflow and, of a backtest, its key; and the workflows of sweeps."""
    began = func.now() - grace
    computed_here = Backtest.key.startswith(COMMAND_LINE, autoescape=True)
    async with sessions() as session:
        runs = await session.execute(
            select(StrategyRun.id, StrategyRun.workflow_id, Backtest.key)
            .join(Backtest, Backtest.strategy_run_id == StrategyRun.id, isouter=True)
            .where(
                StrategyRun.status == RunStatus.RUNNING,
                StrategyRun.started_at < began,
                or_(Backtest.key.is_(None), not_(computed_here)),
            )
        )
        sweeps = await session.scalars(
            select(BacktestSweep.workflow_id).where(
                BacktestSweep.status == RunStatus.RUNNING, BacktestSweep.started_at < began
            )
        )
        return runs.all(), sweeps.all()


async def keep_ending_dead_runs(sessions: Sessions, client: Client) -> None:
    """Again and again, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY.total_seconds())
        try:
            ended = await end_dead_runs(sessions, client)
            if ended:
                log.warning("runs.dead", ended=ended)
        except (SQLAlchemyError, OSError, RPCError) as error:
            log.warning("runs.dead_not_read", error=str(error))


def _failed(key: str, how: str) -> BacktestEnd:
    return BacktestEnd(key=key, status=BacktestStatus.FAILED, errors=(how,))


async def _how_it_ended(client: Client, workflow_id: str) -> str | None:
    """Of a workflow that is over, in words; None of one that runs."""
    try:
        described = await client.get_workflow_handle(workflow_id).describe(rpc_timeout=RPC_TIMEOUT)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return "its workflow is no longer known to Temporal"
        raise
    status = described.status
    if status is WorkflowExecutionStatus.RUNNING or status is None:
        return None
    return _WORDS.get(status, f"its workflow ended ({status.name}) without a result on record")


_WORDS = {
    WorkflowExecutionStatus.TERMINATED: "its workflow was terminated in Temporal",
    WorkflowExecutionStatus.CANCELED: "its workflow was cancelled in Temporal",
    WorkflowExecutionStatus.TIMED_OUT: "its workflow ran out of time",
}
