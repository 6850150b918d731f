"""The whole desk for tests: the processes of ``greenlight up``, on a data directory of their own.

What a person does goes over HTTP, what the operator does over the CLI, and what is asserted is read
from the three places that remember: Postgres, Temporal, and the simulated gateway's own ledger.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, LiteralString, TypeVar
from uuid import UUID

import httpx
import psutil
import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from sqlalchemy.engine import make_url
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

from activities import crash_points
from infra.embedded.home import Home
from infra.embedded.ports import any_free_port
from infra.embedded.processes import read_pid, tethered
from infra.embedded.stack import DEFAULT_PORTS, greenlight_command
from infra.settings import ENV_PREFIX
from infra.simulator.ledger import Ledger
from infra.supervisor import pid_file
from tests.scratch import scratch_directory

PROCESSES = ("postgres", "temporal", "gateway", "broker worker", "core worker", "api")
STRATEGY_SCHEDULE = "strategy-runs"
MARKET_SCHEDULE = "market-simulated"
FIRST_LOOK = "first-look"
"""Workflow id of the run that a start of the desk begins."""
HEADERS = {"X-Greenlight": "1"}
"""What the web app sends with every request; commands without it are refused."""
START_SECONDS = 240.0
STOP_SECONDS = 20.0
REQUEST_SECONDS = 20.0
POLL_SECONDS = 0.05

T = TypeVar("T")
Row = dict[str, Any]


class NotWithinError(AssertionError):
    """A condition did not come true in time."""


def wait_until(
    condition: Callable[[], T | Literal[False] | None],
    timeout: float = 30.0,
    what: str = "",
    *,
    pause: float = POLL_SECONDS,
) -> T:
    """The condition's first truthy value; `NotWithinError` when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise NotWithinError(f"not within {timeout:g} s: {what or condition}; last {value!r}")
        time.sleep(pause)


def in_own_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine from synchronous code, whether or not a loop runs in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@dataclass
class Desk:
    """One running desk. Start it with `running_desk`.

    Attributes:
        home: its data directory.
        url: where the browser goes.
        temporal_address: host:port of Temporal.
        temporal_web_url: Temporal Web.
        database_url: SQLAlchemy URL of its Postgres.
        email: of the first login.
        password: of the first login.
    """

    home: Home
    up: subprocess.Popen[bytes]
    url: str = ""
    temporal_address: str = ""
    temporal_web_url: str = ""
    database_url: str = ""
    email: str = ""
    password: str = field(default="", repr=False)

    # --- processes -----------------------------------------------------------------------------

    def pid(self, name: str) -> int | None:
        """The process's id while it lives; one of `PROCESSES`."""
        pid = read_pid(pid_file(self.home.run, name))
        return pid if pid is not None and psutil.pid_exists(pid) else None

    def kill(self, name: str) -> int:
        """SIGKILL the process, and see it dead; returns the id it had."""
        pid = wait_until(lambda: self.pid(name), what=f"{name} lives, to be killed")
        process = psutil.Process(pid)
        process.kill()
        psutil.wait_procs([process], timeout=5)
        return pid

    def wait_until_restarted(self, name: str, killed: int, timeout: float = 60.0) -> None:
        """Until the supervisor has started the process anew, under another id."""
        wait_until(lambda: self.pid(name) not in (None, killed), timeout, f"{name} restarted")

    def wait_until_serving(self, timeout: float = 60.0) -> None:
        """Until the API answers and reaches all that it depends on."""

        def serving() -> bool:
            try:
                return httpx.get(f"{self.url}/readyz", timeout=REQUEST_SECONDS).is_success
            except httpx.TransportError:
                return False

        wait_until(serving, timeout, "the API serves")

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        """The process is dead while this lasts: its supervisor is stopped, and starts it anew
        afterwards."""
        supervisor = psutil.Process(self.up.pid)
        supervisor.suspend()
        try:
            killed = wait_until(lambda: self.pid(name), what=f"{name} lives, to be killed")
            process = psutil.Process(killed)
            process.kill()
            # Nobody collects it yet: it stays in the table of processes.
            wait_until(lambda: process.status() == psutil.STATUS_ZOMBIE, what=f"{name} dies")
            yield
        finally:
            supervisor.resume()
        self.wait_until_restarted(name, killed)

    def strike(self, label: str) -> None:
        """Order the process that passes this crash point next to be killed there."""
        _strikes(self.home).write_text(f"{label} 0 KILL", "utf-8")

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """The process neither runs nor dies while this lasts (SIGSTOP)."""
        process = psutil.Process(wait_until(lambda: self.pid(name), what=f"{name} lives"))
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    def cli(self, *arguments: str, timeout: float = 180.0) -> subprocess.CompletedProcess[str]:
        """Run ``greenlight …`` as an operator in another terminal."""
        return subprocess.run(
            greenlight_command(*arguments),
            env=terminal_environment(self.home),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def log(self, name: str) -> str:
        """All that the process has written."""
        return (self.home.logs / f"{name.replace(' ', '-')}.log").read_text("utf-8", "replace")

    def logged(self, name: str, event: str, **fields: str) -> list[Row]:
        """The process's log lines of this event that have these fields."""
        lines = [json.loads(line) for line in self.log(name).splitlines() if event in line]
        return [
            line
            for line in lines
            if line["event"] == event
            and fields.items() <= {k: str(v) for k, v in line.items()}.items()
        ]

    def keep_logs(self, directory: Path) -> None:
        """Copy the logs of all processes, to read after a failure."""
        shutil.copytree(self.home.logs, directory, dirs_exist_ok=True)

    # --- the operator --------------------------------------------------------------------------

    def wait_until_trading(self, timeout: float = 60.0) -> None:
        """Until the market is open and the account ingested, here rather than by the schedule."""
        wait_until(
            lambda: self.sql(
                "SELECT 1 FROM gateways WHERE connection = 'CONNECTED' AND session_open"
            ),
            timeout,
            "the market is open",
        )
        if self.sql("SELECT 1 FROM broker_accounts WHERE snapshot_synced_at IS NULL"):
            self.ingest()

    def ingest(self) -> str:
        """Read positions and account values now; what the commands said."""
        said = ""
        for command in ("sync-ibkr-positions", "sync-ibkr-account-snapshot"):
            done = self.cli(command)
            assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
            said += done.stdout
        return said

    def run_strategies(self) -> str:
        """Run every enabled strategy now, once the market is open; what the command said."""
        self.wait_until_trading()
        done = self.cli("run-strategies")
        runs = "SELECT status, errors FROM strategy_runs ORDER BY started_at DESC LIMIT 1"
        assert done.returncode == 0, (done.returncode, done.stdout, done.stderr, self.sql(runs))
        return done.stdout

    def propose(self, *symbols: str, **config: Any) -> dict[str, str]:
        """Have the strategy offer a put on each symbol; their recommendation ids by symbol."""
        self.look_at(*symbols, **config)
        said = self.run_strategies()
        offered = self.offered(*symbols)
        assert set(offered) == set(symbols), f"offered {offered}; {said}"
        return offered

    def look_at(self, *symbols: str, **config: Any) -> None:
        """Have the next run look for a put on each symbol.

        One weekly expiry is looked at and shares held are left alone, which makes a run short.
        ``config`` changes other fields.
        """
        self.configure_wheel(
            **{
                "universe": symbols,
                "max_new_trades": len(symbols),
                "min_dte": 20,
                "max_dte": 26,
                "decision_minutes": 120,
                "sell_calls": False,
                "roll": False,
                **config,
            }
        )

    def offered(self, *symbols: str) -> dict[str, str]:
        """The recommendations that wait on these symbols: their ids by symbol."""
        waiting = self.sql(
            "SELECT i.symbol, r.id FROM recommendations r"
            " JOIN instruments i ON i.id = r.instrument_id"
            " WHERE r.state = 'PROPOSED' AND i.symbol = ANY(%s)",
            list(symbols),
        )
        return {row["symbol"]: str(row["id"]) for row in waiting}

    def configure_wheel(self, **config: Any) -> None:
        """Change fields of the demo strategy's config, e.g. ``universe=["SPY"]``."""
        self.sql(
            "UPDATE strategy_instances SET config = config || %s WHERE name LIKE 'Wheel%%'",
            Jsonb(config),
        )

    def set_trading_state(self, state: str) -> None:
        """ACTIVE, REDUCING or HALTED, for every account."""
        self.sql("UPDATE settings SET value = %s WHERE key = 'trading_state'", Jsonb(state))

    def leave_strategy_runs_to_the_test(self) -> None:
        """Stop what the desk starts by itself: a run supersedes what still waits, and a reading of
        the whole market shares the lines that a run needs."""

        async def stop_runs() -> None:
            client = await self.temporal()
            for schedule in (STRATEGY_SCHEDULE, MARKET_SCHEDULE):
                await client.get_schedule_handle(schedule).pause()
            with suppress(RPCError):  # It has ended, or this desk begins without one.
                await client.get_workflow_handle(FIRST_LOOK).terminate()

        in_own_loop(stop_runs())
        # What was ended from outside cannot say so itself.
        self.sql(
            "UPDATE strategy_runs SET status = 'CANCELLED', finished_at = now()"
            " WHERE status = 'RUNNING'"
        )

    # --- the person at the desk ----------------------------------------------------------------

    def login(self, email: str | None = None, password: str | None = None) -> httpx.Client:
        """A signed-in browser, to use as a context manager; of the first user if not said."""
        answer = httpx.post(
            f"{self.url}/api/auth/login/",
            json={"email": email or self.email, "password": password or self.password},
            headers=HEADERS,
            timeout=REQUEST_SECONDS,
        )
        assert answer.status_code == 200, answer.text
        return httpx.Client(
            base_url=self.url, headers=HEADERS, cookies=answer.cookies, timeout=REQUEST_SECONDS
        )

    # --- what is remembered --------------------------------------------------------------------

    def sql(self, query: LiteralString, *parameters: Any) -> list[Row]:
        """Run one statement on the desk's database, committed; its rows, if it has any."""
        with self.connection() as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []

    def connection(self) -> psycopg.Connection[Row]:
        """A connection to the desk's database; every statement commits by itself."""
        conninfo = make_url(self.database_url).set(drivername="postgresql")
        return psycopg.Connection[Row].connect(
            conninfo.render_as_string(hide_password=False), row_factory=dict_row, autocommit=True
        )

    def one(self, query: LiteralString, *parameters: Any) -> Row:
        """The statement's only row."""
        (row,) = self.sql(query, *parameters)
        return row

    def recommendation(self, recommendation_id: UUID | str) -> Row:
        """The recommendation's row."""
        return self.one("SELECT * FROM recommendations WHERE id = %s", str(recommendation_id))

    def orders(self, recommendation_id: UUID | str) -> list[Row]:
        """The order rows of a recommendation, by attempt."""
        return self.sql(
            "SELECT * FROM orders WHERE recommendation_id = %s ORDER BY attempt",
            str(recommendation_id),
        )

    def ledger(self) -> closing[Ledger]:
        """The gateway's own books, to read: the oracle. Use as a context manager."""
        return closing(Ledger(self.home.gateway, read_only=True))

    async def temporal(self) -> Client:
        """A Temporal client of this event loop."""
        return await Client.connect(self.temporal_address, data_converter=pydantic_data_converter)

    # --- its end -------------------------------------------------------------------------------

    def start_again(self, *options: str) -> None:
        """Start a stopped desk on its own directory."""
        self.up = _launch(self.home, options)
        _until_ready(self)
        self.leave_strategy_runs_to_the_test()

    def stop(self) -> None:
        """Stop every process as Ctrl-C would; kill what does not stop in time."""
        children = psutil.Process(self.up.pid).children() if self.up.poll() is None else []
        self.up.terminate()
        try:
            self.up.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.up.kill()
            self.up.wait()
        psutil.wait_procs(children, timeout=5)


def _launch(home: Home, options: Sequence[str]) -> subprocess.Popen[bytes]:
    arguments = options if "--speed" in options else ("--speed", "1", *options)
    with (home.logs / "up.log").open("wb") as output:
        return subprocess.Popen(
            # The desk ends with the test process, however that ends.
            tethered(greenlight_command("up", *arguments)),
            env=terminal_environment(home),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


@contextmanager
def running_desk(*options: str) -> Iterator[Desk]:
    """A whole desk from ``greenlight up``, ready, with strategies run on demand only.

    Args:
        options: of ``greenlight up``; real-time speed unless ``--speed`` is among them.
    """
    # A short path: Postgres listens on a unix socket in it.
    root = scratch_directory("gl-desk-")
    home = Home(root)
    home.create()
    home.ports.write_text(json.dumps(_free_ports()), "utf-8")
    desk = Desk(home, _launch(home, options))
    try:
        _until_ready(desk)
        desk.leave_strategy_runs_to_the_test()
        yield desk
    finally:
        desk.stop()
        shutil.rmtree(root, ignore_errors=True)


def _until_ready(desk: Desk) -> None:
    console = desk.home.logs / "up.log"

    def ready() -> bool:
        if desk.up.poll() is not None:
            raise NotWithinError(f"the desk did not start:\n{console.read_text('utf-8')}")
        return "Greenlight is ready" in console.read_text("utf-8")

    try:
        wait_until(ready, START_SECONDS, "greenlight up is ready")
    except NotWithinError as error:
        raise NotWithinError(f"{error}\n{console.read_text('utf-8')}") from None
    addresses = json.loads(desk.home.addresses.read_text("utf-8"))
    desk.url = f"http://127.0.0.1:{addresses['GREENLIGHT_API_PORT']}"
    desk.temporal_address = addresses["GREENLIGHT_TEMPORAL_ADDRESS"]
    desk.temporal_web_url = addresses["GREENLIGHT_TEMPORAL_UI_URL"]
    desk.database_url = addresses["GREENLIGHT_DATABASE_URL"]
    if not desk.email:
        login = re.search(r"email (\S+)\s+password (\S+)", console.read_text("utf-8"))
        assert login is not None, "no first login was shown"
        desk.email, desk.password = login.groups()


def _free_ports() -> dict[str, int]:
    """Ports that nothing uses, for a desk to prefer."""
    ports: set[int] = set()
    while len(ports) < len(DEFAULT_PORTS):
        ports.add(any_free_port())
    return dict(zip(DEFAULT_PORTS, sorted(ports), strict=True))


def terminal_environment(home: Home) -> dict[str, str]:
    """This process's environment, pointed at ``home`` and at no other desk."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ENV_PREFIX)}
    return {
        **inherited,
        f"{ENV_PREFIX}HOME": str(home.root),
        crash_points.VARIABLE: str(_strikes(home)),
        # Wide enough for the first login to stand on one line of the banner.
        "COLUMNS": "200",
    }


def _strikes(home: Home) -> Path:
    """Where a test orders a process to be killed; see ``activities.crash_points``."""
    return home.root / "strike"


def main(options: Sequence[str]) -> None:
    """Run a desk by hand until Ctrl-C: ``python -m tests.desk --seed 7``."""
    with running_desk(*options) as desk:
        sys.stdout.write(f"{desk.url}  {desk.email}  {desk.password}  {desk.home.root}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    main(sys.argv[1:])
