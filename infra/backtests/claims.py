"""Whether the process that computes a backtest on the command line still lives.

One that is killed cannot say so. While it computes it holds an advisory lock of Postgres on a
connection of its own, which ends when the process does: a run on record as running whose lock is
free has nobody left to end it.
"""

from __future__ import annotations

import asyncio

import structlog
from sqlalchemy import Connection, NullPool, create_engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.functions import FunctionElement

from domain.ports.backtests import BacktestEnd, BacktestStatus
from infra.db.backtests import end_backtest
from infra.db.models import Backtest, RunStatus, StrategyRun
from infra.db.session import Sessions

COMMAND_LINE = "command-line-"
"""What the keys of backtests begin with that no workflow looks after."""
ABANDONED = "interrupted: the command that computed it was killed"
LOOK_EVERY_SECONDS = 60.0

log = structlog.stdlib.get_logger(__name__)


def claimed(database_url: str, key: str, patience_seconds: float) -> Connection:
    """A connection that holds the backtest of ``key`` until it is closed. SQLAlchemyError where
    the database cannot be reached."""
    engine = create_engine(
        database_url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": max(round(patience_seconds), 1)},
    )
    connection = engine.connect()
    connection.execute(select(func.pg_advisory_lock(_number(key))))
    return connection


async def end_abandoned(sessions: Sessions) -> int:
    """End as FAILED what counts as running though its process is gone; how many there were."""
    ended = 0
    async with sessions.begin() as session:
        running = await session.scalars(
            select(Backtest.key)
            .join(StrategyRun, StrategyRun.id == Backtest.strategy_run_id)
            .where(
                StrategyRun.status == RunStatus.RUNNING,
                Backtest.key.startswith(COMMAND_LINE, autoescape=True),
            )
        )
        for key in running.all():
            if await session.scalar(select(func.pg_try_advisory_xact_lock(_number(key)))):
                failed = BacktestEnd(key=key, status=BacktestStatus.FAILED, errors=(ABANDONED,))
                await end_backtest(session, failed)
                ended += 1
    return ended


async def keep_ending_abandoned(sessions: Sessions) -> None:
    """Again and again, until cancelled."""
    while True:
        try:
            ended = await end_abandoned(sessions)
            if ended:
                log.info("backtests.abandoned", ended=ended)
        except (SQLAlchemyError, OSError) as error:
            log.warning("backtests.abandoned_not_read", error=str(error))
        await asyncio.sleep(LOOK_EVERY_SECONDS)


def _number(key: str) -> FunctionElement[int]:
    """The lock of ``key``; two keys that share one would only be ended a little later."""
    return func.hashtextextended(key, 0)
