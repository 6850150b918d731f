"""The embedded servers and the command that runs them, on real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg
import pytest
import pytest_asyncio
from temporalio.client import Client

from infra.embedded import EmbeddedPostgres, EmbeddedTemporal
from infra.embedded.home import AlreadyRunningError, Home, HomeLock, running_pid
from infra.embedded.ports import PortChange, any_free_port
from infra.embedded.server import EmbeddedServerError
from infra.embedded.stack import DEFAULT_PORTS, Stack, StackOptions
from infra.supervisor import pid_file

pytestmark = pytest.mark.integration


def count_rows(server: EmbeddedPostgres) -> int:
    with psycopg.connect(server.conninfo("greenlight")) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        assert row is not None
        return row[0]


def add_row(server: EmbeddedPostgres) -> None:
    server.create_database("greenlight")
    with psycopg.connect(server.conninfo("greenlight")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (id int)")
        connection.execute("INSERT INTO kept VALUES (1)")


def test_a_killed_postgres_comes_back_with_its_data_at_the_same_address(
    short_tmp_path: Path,
) -> None:
    with EmbeddedPostgres(short_tmp_path / "pg") as server:
        add_row(server)
        address = server.url("greenlight")

        server.kill()
        server.start()

        assert server.url("greenlight") == address
        assert count_rows(server) == 1


def test_postgres_starts_despite_a_pid_file_that_names_another_program(
    short_tmp_path: Path,
) -> None:
    server = EmbeddedPostgres(short_tmp_path / "pg", durable=False)
    with server:
        add_row(server)
    # Of the same account, and not Postgres's parent: it sees through the other cases by itself.
    other = subprocess.Popen(["sleep", "600"], user=server.user.uid if server.user else None)
    data, sockets = str(server.data_directory), str(server.socket_directory)
    stale = [str(other.pid), data, "1", "5432", sockets, "", "", "ready"]
    (server.data_directory / "postmaster.pid").write_text("\n".join(stale))
    try:
        with server:
            assert count_rows(server) == 1
    finally:
        other.kill()
        other.wait()


def test_an_interrupted_cluster_creation_is_started_over(short_tmp_path: Path) -> None:
    server = EmbeddedPostgres(short_tmp_path / "pg", durable=False)
    half_made = server.directory / "data.unfinished" / "base"
    half_made.mkdir(parents=True)
    with server:
        assert server.is_ready()


def test_a_long_directory_still_gets_a_usable_socket(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("long name " * 15) / "pg", durable=False)
    with server:
        assert server.is_ready()
        assert len(os.fsencode(server.socket_directory)) < 100
        assert stat.S_IMODE(server.socket_directory.stat().st_mode) == 0o700
    server.socket_directory.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_socket_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / ("x" * 120), durable=False)
    server.socket_directory.mkdir()
    os.chown(server.socket_directory, 65534, 65534)
    with pytest.raises(EmbeddedServerError, match="belongs to another user"):
        server.prepare()
    server.socket_directory.rmdir()


def test_postgres_is_durable_and_unreachable_over_tcp(short_tmp_path: Path) -> None:
    with EmbeddedPostgres(short_tmp_path / "pg") as server:
        with psycopg.connect(server.conninfo("postgres")) as connection:
            shown = {
                name: connection.execute(f"SHOW {name}").fetchone()  # pyright: ignore
                for name in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums")
            }
        assert shown == dict.fromkeys(shown, ("on",))
        listening = psutil.Process(server.pid).net_connections("inet")
        assert listening == []


def test_a_server_that_cannot_start_says_why(short_tmp_path: Path) -> None:
    server = EmbeddedPostgres(short_tmp_path / "pg", durable=False)
    server.prepare()
    with (server.data_directory / "postgresql.conf").open("a") as configuration:
        configuration.write("\nno_such_setting = 1\n")
    with pytest.raises(EmbeddedServerError, match="no_such_setting"):
        server.start()


async def test_temporal_keeps_its_state_over_a_kill(short_tmp_path: Path) -> None:
    server = EmbeddedTemporal(short_tmp_path / "temporal", port=any_free_port())
    with server:
        client = await Client.connect(server.address)
        await client.start_workflow("Any", id="kept", task_queue="nobody")

        server.kill()
        server.start()

        client = await Client.connect(server.address)
        description = await client.get_workflow_handle("kept").describe()
        assert description.id == "kept"


def test_temporal_listens_on_loopback_only(short_tmp_path: Path) -> None:
    ports = any_free_port(), any_free_port()
    with EmbeddedTemporal(short_tmp_path / "t", port=ports[0], ui_port=ports[1]) as server:
        connections = psutil.Process(server.pid).net_connections("inet")
        listening = [c.laddr for c in connections if c.status == psutil.CONN_LISTEN]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    assert set(ports) <= {address.port for address in listening}


def test_a_second_desk_on_the_same_directory_is_refused_naming_the_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.create()
    with HomeLock(home):
        with pytest.raises(AlreadyRunningError, match=f"process {os.getpid()}"), HomeLock(home):
            pass
        assert running_pid(home) == os.getpid()

        second = subprocess.run(
            [sys.executable, "-m", "infra.cli", "up"],
            env={**os.environ, "GREENLIGHT_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 2
        assert f"process {os.getpid()}" in second.stdout
    assert running_pid(home) is None


@dataclass
class RecordingProgress:
    """Remembers what the stack said."""

    changes: list[PortChange] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    recoveries: list[str] = field(default_factory=list)

    def port_changed(self, change: PortChange) -> None:
        self.changes.append(change)

    def left_over(self, names: list[str]) -> None:
        pass

    def done(self, what: str, seconds: float) -> None:
        pass

    def died(self, name: str, reason: str, retry_seconds: float) -> None:
        self.deaths.append(f"{name}: {reason}")

    def recovered(self, name: str, seconds: float) -> None:
        self.recoveries.append(name)


@dataclass
class RunningStack:
    stack: Stack
    progress: RecordingProgress


@pytest_asyncio.fixture
async def running_servers(short_tmp_path: Path) -> AsyncIterator[RunningStack]:
    """The two servers of a stack under its supervisor, without the desk's own processes."""
    home = Home(short_tmp_path)
    home.create()
    progress = RecordingProgress()
    # Any ports: tests in other processes may start stacks at the same moment.
    ports = {name: any_free_port() for name in DEFAULT_PORTS}
    stack = Stack(home, ports, StackOptions(), progress)
    await stack.supervisor.start(stack.postgres_spec())
    await stack.supervisor.start(stack.temporal_spec())
    yield RunningStack(stack, progress)
    await stack.stop()


async def test_the_supervisor_brings_killed_servers_back_with_their_data(
    running_servers: RunningStack,
) -> None:
    stack, progress = running_servers.stack, running_servers.progress
    add_row(stack.postgres)
    client = await Client.connect(stack.temporal.address)
    await client.start_workflow("Any", id="kept", task_queue="nobody")

    for name in ("postgres", "temporal"):
        os.kill(int(pid_file(stack.home.run, name).read_text()), signal.SIGKILL)
    async with asyncio.timeout(30):
        while len(progress.recoveries) < 2:  # noqa: ASYNC110 (recorded by another task)
            await asyncio.sleep(0.05)

    assert sorted(progress.deaths) == ["postgres: signal 9", "temporal: signal 9"]
    assert count_rows(stack.postgres) == 1
    assert (await client.get_workflow_handle("kept").describe()).id == "kept"


async def test_both_servers_stop_in_order_within_the_promised_time(
    running_servers: RunningStack,
) -> None:
    stack = running_servers.stack
    pids = [int(pid_file(stack.home.run, name).read_text()) for name in ("postgres", "temporal")]
    began = time.monotonic()
    await stack.stop()
    assert time.monotonic() - began < 10
    assert not any(psutil.pid_exists(pid) for pid in pids)
