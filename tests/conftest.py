"""Servers that tests share: one embedded Postgres and one Temporal per session (and xdist worker).

They start on first use only. A test that asks for ``database_url`` gets a database of its own,
copied from a template that was migrated once.
"""

from __future__ import annotations

import itertools
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
import structlog
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from infra.db.migrate import upgrade
from infra.embedded import EmbeddedPostgres, EmbeddedTemporal
from infra.embedded.ports import any_free_port
from infra.embedded.temporal import temporal_binary
from infra.settings import ENV_PREFIX, Settings
from tests.desk import Desk, running_desk
from tests.scratch import scratch_directory

OUTPUT = Path(__file__).parent / "output"
"""What failed tests leave to look at."""
_TEMPLATE = "template_migrated"
_database_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def no_real_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the addresses and data of a desk that runs on this machine out of every test."""
    configured = {f"{ENV_PREFIX}{name}".upper() for name in Settings.model_fields}
    with pytest.MonkeyPatch.context() as environment:
        for name in configured:
            environment.delenv(name, raising=False)
        environment.setenv(f"{ENV_PREFIX}HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """structlog's own default prints the locals of every frame: of an API that takes a minute."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )
    yield
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def no_log_of_a_command_that_ended() -> Iterator[None]:
    """A command logs to the terminal that its test stood in for, which is closed afterwards."""
    yield
    for handler in logging.getLogger().handlers.copy():
        if isinstance(handler, logging.StreamHandler) and handler.stream.closed:
            logging.getLogger().removeHandler(handler)


@pytest.fixture
def short_tmp_path() -> Iterator[Path]:
    """A temporary directory whose path is short enough for unix sockets."""
    directory = Path(tempfile.mkdtemp(prefix="gl-")).resolve()
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """The session's Postgres server; it trades durability for speed."""
    directory = scratch_directory("gl-pg-")
    with EmbeddedPostgres(directory, durable=False) as server:
        yield server
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres_url(postgres: EmbeddedPostgres) -> str:
    """SQLAlchemy URL of the maintenance database of the session's Postgres."""
    return postgres.url("postgres")


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """Name of a migrated, empty database to copy from; nobody may stay connected to it."""
    postgres.create_database(_TEMPLATE)
    upgrade(postgres.url(_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_url(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """SQLAlchemy URL of a fresh, migrated database, dropped after the test."""
    name = f"test_{next(_database_numbers)}"
    postgres.create_database(name, template=migrated_template)
    yield postgres.url(name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def temporal_address() -> Iterator[str]:
    """host:port of the session's Temporal server, on real time."""
    directory = scratch_directory("gl-temporal-")
    with EmbeddedTemporal(directory, port=any_free_port()) as server:
        yield server.address
    shutil.rmtree(directory)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def time_skipping_env() -> AsyncIterator[WorkflowEnvironment]:
    """The session's Temporal server whose clock jumps ahead while workflows only wait."""
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=temporal_binary(),
        dev_server_extra_args=[
            "--dynamic-config-value",
            "frontend.WorkflowTimeSkippingEnabled=true",
        ],
    )
    async with environment:
        yield environment


@pytest.fixture(scope="session")
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The session's desk, whole and running; strategies run when a test says so."""
    # Three times as fast: an order at the mid fills in seven seconds on average.
    yield from _desk_of(request, "--speed", "3")


@pytest.fixture
def fresh_desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A whole desk of the test's own, to do harm to."""
    yield from _desk_of(request)


def _desk_of(request: pytest.FixtureRequest, *options: str) -> Iterator[Desk]:
    failed_before = request.session.testsfailed
    with running_desk(*options) as running:
        yield running
        if request.session.testsfailed > failed_before:
            running.keep_logs(OUTPUT / f"logs-{running.home.root.name}")
