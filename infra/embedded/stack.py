"""What runs on one machine: the desk's processes, their addresses, the order of a start."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

from infra.db.roles import APP_ROLE
from infra.embedded.home import Home
from infra.embedded.ports import LOOPBACK, PortChange, choose_ports, remembered_ports
from infra.embedded.postgres import EmbeddedPostgres
from infra.embedded.probes import accepts_connections, answers_ok, worker_polls
from infra.embedded.server import EmbeddedServer
from infra.embedded.temporal import EmbeddedTemporal
from infra.simulator.earnings_file import FILE_NAME as EARNINGS_FILE
from infra.supervisor import ProcessSpec, Reporter, Supervisor
from workflows.ids import CORE_QUEUE, broker_queue

DATABASE = "greenlight"
NAMESPACE = "default"
GATEWAY_SLUG = "simulated"

BROKER_QUEUE = broker_queue(GATEWAY_SLUG)

DEFAULT_PORTS = {"desk": 8400, "temporal": 7233, "temporal web": 8233, "gateway": 4002}

# Graceful stops add up to nine seconds at worst: the whole stop stays within ten.
_STOP_API, _STOP_WORKERS, _STOP_SERVERS, _STOP_POSTGRES = range(4)
_API_GRACEFUL_SECONDS = 2


@dataclass(frozen=True)
class StackOptions:
    """Choices of one ``greenlight up``.

    Attributes:
        desk_port: the port to prefer for the desk, instead of the usual or remembered one.
        speed: simulated market seconds per second, None for the gateway's own default.
        seed: of the simulated market, None for the gateway's own default.
    """

    desk_port: int | None = None
    speed: float | None = None
    seed: int | None = None


class Progress(Reporter, Protocol):
    """Hears of the first start, and later of deaths and recoveries."""

    def port_changed(self, change: PortChange) -> None:
        """A usual port is taken; another one is used."""
        ...

    def left_over(self, names: list[str]) -> None:
        """Processes of an earlier, killed run were ended."""
        ...

    def done(self, what: str, seconds: float) -> None:
        """One step of the start is complete."""
        ...


class Stack:
    """The processes on one data directory, with every address decided."""

    def __init__(
        self, home: Home, ports: Mapping[str, int], options: StackOptions, progress: Progress
    ) -> None:
        self.home = home
        self.ports = dict(ports)
        self.postgres = EmbeddedPostgres(home.postgres)
        self.temporal = EmbeddedTemporal(
            home.temporal, port=self.ports["temporal"], ui_port=self.ports["temporal web"]
        )
        self.supervisor = Supervisor(home.run, home.logs, progress)
        self._options = options
        self._progress = progress
        self._env = {**os.environ, **self.addresses()}

    @classmethod
    def on_free_ports(cls, home: Home, options: StackOptions, progress: Progress) -> Self:
        """The stack on the ports of its last run, as far as they are free."""
        insist: set[str] = set()
        defaults = dict(DEFAULT_PORTS)
        if options.desk_port is not None:
            defaults["desk"] = options.desk_port
            insist.add("desk")
        ports, changes = choose_ports(defaults, home.ports, insist)
        for change in changes:
            progress.port_changed(change)
        return cls(home, ports, options, progress)

    @classmethod
    def running(cls, home: Home, progress: Progress) -> Self:
        """The stack that another process runs on this directory, to look at."""
        return cls(home, remembered_ports(home.ports), StackOptions(), progress)

    @property
    def desk_url(self) -> str:
        """Where the browser goes."""
        return f"http://{LOOPBACK}:{self.ports['desk']}"

    @property
    def temporal_web_url(self) -> str:
        """Temporal Web."""
        return f"http://{LOOPBACK}:{self.ports['temporal web']}"

    def addresses(self) -> dict[str, str]:
        """Environment variables that point a Greenlight process at this stack."""
        return {
            "GREENLIGHT_HOME": str(self.home.root),
            "GREENLIGHT_DATABASE_URL": self.postgres.url(DATABASE, user=APP_ROLE),
            "GREENLIGHT_DATABASE_OWNER_URL": self.postgres.url(DATABASE),
            "GREENLIGHT_TEMPORAL_ADDRESS": self.temporal.address,
            "GREENLIGHT_TEMPORAL_NAMESPACE": NAMESPACE,
            "GREENLIGHT_TEMPORAL_UI_URL": self.temporal_web_url,
            "GREENLIGHT_GATEWAY_HOST": LOOPBACK,
            "GREENLIGHT_GATEWAY_PORT": str(self.ports["gateway"]),
            "GREENLIGHT_GATEWAY_SLUG": GATEWAY_SLUG,
            "GREENLIGHT_API_HOST": LOOPBACK,
            "GREENLIGHT_API_PORT": str(self.ports["desk"]),
        }

    async def start(self) -> list[dict[str, Any]]:
        """Start everything; returns first-login credentials if accounts were created just now.

        Raises `StartFailedError` or `EmbeddedServerError`; the caller then stops the supervisor.
        """
        self.home.addresses.write_text(json.dumps(self.addresses(), indent=2), "utf-8")
        await _all(
            self._started(self.postgres_spec()),
            self._started(self.temporal_spec()),
            self._started(self.gateway_spec()),
        )
        await asyncio.to_thread(self.postgres.create_database, DATABASE)
        await self._step("migrate")
        created = await self._step(
            "seed-demo",
            *("--gateway-port", str(self.ports["gateway"])),
            *("--earnings", str(self.home.gateway / EARNINGS_FILE)),
        )
        # After the demo data: each gateway on record has schedules of its own.
        await _all(
            self._step("setup-temporal"),
            *(self._started(spec) for spec in (*self.worker_specs(), self.api_spec())),
        )
        # A desk just opened should have something to look at before the next scheduled run.
        await self._step("run-strategies", "--soon")
        return _credentials(created)

    async def stop(self) -> None:
        """Stop everything and forget the addresses."""
        await self.supervisor.stop()
        self.home.addresses.unlink(missing_ok=True)

    def specs(self) -> list[ProcessSpec]:
        """Every process that is kept running."""
        servers = [self.postgres_spec(), self.temporal_spec(), self.gateway_spec()]
        return [*servers, *self.worker_specs(), self.api_spec()]

    def postgres_spec(self) -> ProcessSpec:
        """Postgres, on its unix socket."""
        return self._server(self.postgres, stop_rank=_STOP_POSTGRES, stop_grace_seconds=1.5)

    def temporal_spec(self) -> ProcessSpec:
        """Temporal with its Web UI."""
        return self._server(self.temporal, stop_rank=_STOP_SERVERS, stop_grace_seconds=2.0)

    def gateway_spec(self) -> ProcessSpec:
        """The simulated gateway."""
        port = self.ports["gateway"]
        options = {"--speed": self._options.speed, "--seed": self._options.seed}
        chosen = [part for k, v in options.items() if v is not None for part in (k, str(v))]
        return self._greenlight(
            "gateway",
            *("gateway", "--port", str(port), "--data-dir", str(self.home.gateway), *chosen),
            ready=lambda _: accepts_connections(LOOPBACK, port),
            stop_rank=_STOP_SERVERS,
        )

    def worker_specs(self) -> list[ProcessSpec]:
        """The core worker, and the one process that talks to the gateway."""
        polls = partial(worker_polls, self.temporal.address, NAMESPACE)
        return [
            self._greenlight(
                "broker worker",
                *("worker", "broker", "--gateway", GATEWAY_SLUG),
                ready=partial(polls, BROKER_QUEUE),
                stop_rank=_STOP_WORKERS,
                stop_grace_seconds=3.0,
            ),
            self._greenlight(
                "core worker",
                *("worker", "core"),
                ready=partial(polls, CORE_QUEUE),
                stop_rank=_STOP_WORKERS,
                stop_grace_seconds=3.0,
            ),
        ]

    def api_spec(self) -> ProcessSpec:
        """The API, which serves the web app."""
        return self._greenlight(
            "api",
            "api",
            ready=lambda _: answers_ok(LOOPBACK, self.ports["desk"], "/readyz"),
            stop_rank=_STOP_API,
            stop_grace_seconds=_API_GRACEFUL_SECONDS + 0.5,
            extra_env={"GREENLIGHT_API_GRACEFUL_SECONDS": str(_API_GRACEFUL_SECONDS)},
        )

    def _server(
        self, server: EmbeddedServer, *, stop_rank: int, stop_grace_seconds: float
    ) -> ProcessSpec:
        return ProcessSpec(
            name=server.name,
            argv=server.command(),
            env=self._env,
            cwd=self.home.root,
            prepare=server.prepare,
            ready=lambda _: server.is_ready(),
            stop_rank=stop_rank,
            stop_signal=server.stop_signal,
            stop_grace_seconds=stop_grace_seconds,
            death_signal=server.death_signal,
            user=server.user,
        )

    def _greenlight(
        self,
        name: str,
        *arguments: str,
        ready: Callable[[int], bool],
        stop_rank: int,
        stop_grace_seconds: float = 2.0,
        extra_env: dict[str, str] | None = None,
    ) -> ProcessSpec:
        return ProcessSpec(
            name=name,
            argv=greenlight_command(*arguments),
            env={**self._env, **(extra_env or {})},
            cwd=self.home.root,
            ready=ready,
            stop_rank=stop_rank,
            stop_signal=signal.SIGTERM,
            stop_grace_seconds=stop_grace_seconds,
        )

    async def _started(self, spec: ProcessSpec) -> None:
        seconds = await self.supervisor.start(spec)
        self._progress.done(spec.name, seconds)

    async def _step(self, command: str, *arguments: str) -> str:
        loop = asyncio.get_running_loop()
        began = loop.time()
        argv = greenlight_command(command, *arguments)
        output = await self.supervisor.run_step(command, argv, self._env, self.home.root)
        self._progress.done(command, loop.time() - began)
        return output


def greenlight_command(*arguments: str) -> list[str]:
    """The command line of another Greenlight process, under this interpreter."""
    # -P: the working directory must not shadow our packages.
    return [sys.executable, "-P", "-m", "infra.cli", *arguments]


def _credentials(seed_output: str) -> list[dict[str, Any]]:
    """First-login credentials from the seeding step's stdout: nothing, an object or a list."""
    if not seed_output.strip():
        return []
    created = json.loads(seed_output)
    return created if isinstance(created, list) else [created]


async def _all(*starts: Coroutine[Any, Any, Any]) -> None:
    """Run together; the first failure cancels the rest and is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
