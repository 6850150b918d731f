"""What outlives a round: servers for the worlds, a desk for the kills; started on first use."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from pathlib import Path

from sqlalchemy.engine import make_url

from infra.db.migrate import upgrade
from infra.embedded import EmbeddedPostgres, EmbeddedTemporal
from infra.embedded.ports import any_free_port
from tests.faults.processes import Processes
from tests.scratch import scratch_directory

TEMPLATE = "template_of_worlds"


class Servers:
    """Real servers; every world gets a database of its own and shares the Temporal namespace.

    They are started from the calling thread, which must be the main one: they end with it.
    """

    def __init__(self) -> None:
        self._directory = scratch_directory("gl-faults-")
        self._postgres: EmbeddedPostgres | None = None
        self._temporal: EmbeddedTemporal | None = None
        self._processes: Processes | None = None
        self._numbers = itertools.count(1)

    async def database(self) -> str:
        """SQLAlchemy URL of a fresh, migrated database."""
        if self._postgres is None:
            # What breaks here is the desk; a desk with a durable Postgres has rows of its own.
            self._postgres = EmbeddedPostgres(self._directory / "pg", durable=False)
            self._postgres.start()
            self._postgres.create_database(TEMPLATE)
            upgrade(self._postgres.url(TEMPLATE))
        name = f"world_{next(self._numbers)}"
        await asyncio.to_thread(self._postgres.create_database, name, template=TEMPLATE)
        return self._postgres.url(name)

    async def drop(self, database_url: str) -> None:
        assert self._postgres is not None
        database = make_url(database_url).database
        assert database is not None
        await asyncio.to_thread(self._postgres.drop_database, database)

    def temporal(self) -> str:
        """host:port of the Temporal server."""
        if self._temporal is None:
            self._temporal = EmbeddedTemporal(self._directory / "temporal", port=any_free_port())
            self._temporal.start()
        return self._temporal.address

    def new_directory(self) -> Path:
        """A fresh directory, gone with the servers."""
        return Path(tempfile.mkdtemp(dir=self._directory))

    async def processes(self) -> Processes:
        """The desk of supervised processes that lives through all rounds of a campaign."""
        if self._processes is None:
            self._processes = Processes()
            await self._processes.start()
        return self._processes

    async def stop(self) -> None:
        if self._processes is not None:
            await self._processes.stop()
        for server in (self._temporal, self._postgres):
            if server is not None:
                server.stop()
        shutil.rmtree(self._directory, ignore_errors=True)
