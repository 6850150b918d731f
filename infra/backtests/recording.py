"""Keeping a backtest that runs on the command line, where a desk's database can be reached."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy.exc import SQLAlchemyError

from domain.ports.backtests import (
    BacktestEnd,
    BacktestFindings,
    BacktestJob,
    BacktestRequest,
    BacktestStatus,
)
from infra.db.backtests import PostgresBacktests
from infra.db.session import create_engine, sessions
from infra.settings import Settings

PATIENCE_SECONDS = 5.0
T = TypeVar("T")


class NotRecordedError(RuntimeError):
    """The desk's database could not be reached or written; the message says why."""


class CommandLineRecord:
    """One backtest's rows, from its beginning to its end.

    Every call opens a connection of its own: the computation between them blocks the process.
    """

    def __init__(self, settings: Settings, request: BacktestRequest) -> None:
        key = f"command-line-{uuid4()}"
        who = request.author or f"{getpass.getuser()} on the command line"
        named = request.model_copy(update={"author": who})
        self._settings = settings
        self._job = BacktestJob(key=key, workflow_id=key, request=named)
        self.run_id: UUID | None = None

    def begin(self) -> UUID:
        """The StrategyRun's id. GreenlightError INVALID_INPUT for an unknown client."""
        self.run_id = self._do(lambda store: store.begin(self._job)).run_id
        return self.run_id

    def complete(self, findings: BacktestFindings) -> None:
        run_id = self.run_id
        assert run_id is not None
        self._do(lambda store: store.complete(run_id, findings))

    def end(self, status: BacktestStatus, *errors: str) -> None:
        end = BacktestEnd(key=self._job.key, status=status, errors=errors)
        self._do(lambda store: store.end(end))

    def _do(self, what: Callable[[PostgresBacktests], Awaitable[T]]) -> T:
        async def doing() -> T:
            database = create_engine(self._settings.database_url, pool_size=1)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await what(PostgresBacktests(sessions(database)))
            finally:
                await database.dispose()

        try:
            return asyncio.run(doing())
        except TimeoutError:
            raise NotRecordedError("the database does not answer") from None
        except (SQLAlchemyError, OSError) as error:
            raise NotRecordedError(str(error).splitlines()[0]) from error
