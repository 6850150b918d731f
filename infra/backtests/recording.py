"""Keeping a backtest that runs on the command line, where a desk's database can be reached."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID, uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from domain.ports.backtests import (
    BacktestEnd,
    BacktestFindings,
    BacktestJob,
    BacktestRequest,
    BacktestStatus,
)
from infra.backtests.claims import COMMAND_LINE, claimed, end_abandoned
from infra.db.backtests import PostgresBacktests
from infra.db.session import Sessions, create_engine, sessions
from infra.settings import Settings

PATIENCE_SECONDS = 5.0
T = TypeVar("T")


class NotRecordedError(RuntimeError):
    """The desk's database could not be reached or written; the message says why."""


class CommandLineRecord:
    """One backtest's rows, from its beginning to its end.

    Every call opens a connection of its own: the computation between them blocks the process. One
    more is held all the while, and tells others by its end should this process be killed.
    """

    def __init__(self, settings: Settings, request: BacktestRequest) -> None:
        key = f"{COMMAND_LINE}{uuid4()}"
        who = request.author or f"{getpass.getuser()} on the command line"
        named = request.model_copy(update={"author": who})
        self._settings = settings
        self._job = BacktestJob(key=key, workflow_id=key, request=named)
        self._claim: Connection | None = None
        self.run_id: UUID | None = None

    def begin(self) -> UUID:
        """The StrategyRun's id. GreenlightError INVALID_INPUT for an unknown client.

        What earlier commands that were killed have left as running is ended on the way.
        """
        try:
            self._claim = claimed(self._settings.database_url, self._job.key, PATIENCE_SECONDS)
        except (SQLAlchemyError, OSError) as error:
            raise NotRecordedError(str(error).splitlines()[0]) from error
        try:
            self._do(end_abandoned)
            self.run_id = self._stored(lambda store: store.begin(self._job)).run_id
        except BaseException:
            self._let_go()
            raise
        return self.run_id

    def complete(self, findings: BacktestFindings) -> None:
        run_id = self.run_id
        assert run_id is not None
        self._stored(lambda store: store.complete(run_id, findings))
        self._let_go()

    def end(self, status: BacktestStatus, *errors: str) -> None:
        end = BacktestEnd(key=self._job.key, status=status, errors=errors)
        self._stored(lambda store: store.end(end))
        self._let_go()

    def _let_go(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def _stored(self, what: Callable[[PostgresBacktests], Awaitable[T]]) -> T:
        return self._do(lambda opened: what(PostgresBacktests(opened)))

    def _do(self, what: Callable[[Sessions], Awaitable[T]]) -> T:
        async def doing() -> T:
            database = create_engine(self._settings.database_url, pool_size=1)
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await what(sessions(database))
            finally:
                await database.dispose()

        try:
            return asyncio.run(doing())
        except TimeoutError:
            raise NotRecordedError("the database does not answer") from None
        except (SQLAlchemyError, OSError) as error:
            raise NotRecordedError(str(error).splitlines()[0]) from error
