"""A whole desk of supervised processes, to kill: what ``greenlight up`` runs, for many rounds.

It is `infra.embedded.stack` itself, with durable servers, plus what a campaign needs: several
accounts, the shorter pauses of `tests.faults.hurry`, crash points that obey, and a supervisor that
forgets failures soon, for a kill a minute would otherwise make its restarts slower and slower.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import psutil

from activities.crash_points import VARIABLE
from infra.db import session as database
from infra.embedded.home import Home
from infra.embedded.ports import any_free_port
from infra.embedded.processes import read_pid
from infra.embedded.stack import DEFAULT_PORTS, GATEWAY_SLUG, Stack, StackOptions
from infra.settings import Settings
from infra.simulator.ledger import Ledger
from infra.supervisor import Backoff, ProcessSpec, Supervisor, pid_file
from infra.temporal.client import connect
from tests.faults.floor import SETTLE_SECONDS, Floor
from tests.faults.furniture import furnish
from tests.faults.hurry import hurried
from tests.faults.offers import Offers, read_chain
from tests.faults.people import Person

ROOT = Path(__file__).parents[2]
SPEED = 6.0
ACCOUNTS = 10
START = "2026-11-23T10:00"
RESTART_SECONDS = 90.0
_FORGETFUL = Backoff(first=0.5, longest=2.0, forgotten_after=5.0)


class _Silent:
    """Hears of starts and deaths, and says nothing."""

    def port_changed(self, change: object) -> None: ...
    def left_over(self, names: list[str]) -> None: ...
    def done(self, what: str, seconds: float) -> None: ...
    def died(self, name: str, reason: str, retry_seconds: float) -> None: ...
    def recovered(self, name: str, seconds: float) -> None: ...


class CampaignStack(Stack):
    """The embedded stack, furnished for a campaign."""

    def __init__(self, home: Home, codes: list[str], strike: Path) -> None:
        ports = dict(zip(DEFAULT_PORTS, (any_free_port() for _ in DEFAULT_PORTS), strict=True))
        super().__init__(home, ports, StackOptions(speed=SPEED), _Silent())
        self.supervisor = Supervisor(home.run, home.logs, _Silent(), _FORGETFUL)
        self.codes = codes
        self._env = {**self._env, VARIABLE: str(strike), "PYTHONPATH": str(ROOT)}

    def settings(self) -> Settings:
        """Of this process, to look into the desk."""
        names = {
            name.removeprefix("GREENLIGHT_").lower(): v for name, v in self.addresses().items()
        }
        return Settings(**names)  # type: ignore[arg-type] - pydantic reads them

    def gateway_spec(self) -> ProcessSpec:
        spec = super().gateway_spec()
        accounts = [part for code in self.codes for part in ("--account", code)]
        return replace(spec, argv=[*spec.argv, "--start", START, *accounts])

    def worker_specs(self) -> list[ProcessSpec]:
        return [_hurried(spec) for spec in super().worker_specs()]

    def api_spec(self) -> ProcessSpec:
        return _hurried(super().api_spec())

    async def _step(self, command: str, *arguments: str) -> str:
        if command == "run-strategies":
            return ""
        if command == "seed-demo":
            engine = database.engine(self.settings())
            sessions = database.sessions(engine)
            await furnish(sessions, GATEWAY_SLUG, self.ports["gateway"], self.codes)
            await engine.dispose()
            return ""
        return await super()._step(command, *arguments)


def _hurried(spec: ProcessSpec) -> ProcessSpec:
    argv = ["tests.faults.hurried" if part == "infra.cli" else part for part in spec.argv]
    return replace(spec, argv=argv)


class Processes(Floor):
    """One running desk, and ways to strike it."""

    def __init__(self) -> None:
        super().__init__()
        # A short path: Postgres listens on a unix socket in it.
        self._root = Path(tempfile.mkdtemp(prefix="gl-kills-")).resolve()
        self.home = Home(self._root)
        self.home.create()
        self.order = self.home.run / "strike"
        codes = [f"DU{1000001 + number}" for number in range(ACCOUNTS)]
        self.stack = CampaignStack(self.home, codes, self.order)

    # --- its life --------------------------------------------------------------------------

    async def start(self) -> None:
        with hurried():
            await self.stack.start()
        settings = self.stack.settings()
        self._engine = database.engine(settings)
        self.sessions = database.sessions(self._engine)
        self.temporal = await connect(settings)
        self.furniture = await furnish(
            self.sessions, GATEWAY_SLUG, self.stack.ports["gateway"], self.stack.codes
        )
        await self.until_trading()
        await self.sign_in()
        await self.look_at_market()

    async def sign_in(self) -> None:
        for account in self.furniture.accounts:
            email = account.approvers[0]
            self.people[email] = await Person.sign_in(email, self.stack.desk_url)

    async def look_at_market(self) -> None:
        """Read the chain anew: offers are made at the market of the moment."""
        reading = await read_chain(self.stack.ports["gateway"])
        self.offers = Offers(self.sessions, self.furniture, reading)

    async def stop(self) -> None:
        for person in self.people.values():
            await person.leave()
        await self._engine.dispose()
        await self.stack.stop()
        shutil.rmtree(self._root, ignore_errors=True)

    def keep_logs(self, directory: Path) -> None:
        shutil.copytree(self.home.logs, directory, dirs_exist_ok=True)

    def ledger(self) -> Ledger:
        return Ledger(self.home.gateway, read_only=True)

    # --- striking --------------------------------------------------------------------------

    def pid(self, name: str) -> int | None:
        pid = read_pid(pid_file(self.home.run, name))
        return pid if pid is not None and psutil.pid_exists(pid) else None

    def kill(self, name: str) -> bool:
        """SIGKILL the process; False where it is dead already."""
        pid = self.pid(name)
        if pid is None:
            return False
        psutil.Process(pid).kill()
        return True

    def order_strike(self, label: str, skip: int, how: str = "KILL") -> None:
        """The next process to pass the crash point, after ``skip`` passings, is struck."""
        fresh = self.order.with_suffix(".new")
        fresh.write_text(f"{label} {skip} {how}", "utf-8")
        os.replace(fresh, self.order)

    async def until_struck(self, seconds: float) -> bool:
        """Whether the strike that was ordered came; the order is withdrawn otherwise."""
        deadline = time.monotonic() + seconds
        while self.order.exists():
            if time.monotonic() > deadline:
                self.order.unlink(missing_ok=True)
                return False
            await asyncio.sleep(0.01)
        return True

    async def until_restarted(self, name: str, killed: int | None) -> None:
        """Until the supervisor has started the process anew, under another id."""

        async def running() -> bool:
            return self.pid(name) not in (None, killed)

        assert await self.until(running, RESTART_SECONDS, every=0.1), f"no {name}"

    async def until_serving(self) -> None:
        """Until every process runs and the API reaches all that it depends on."""

        async def serving() -> bool:
            if any(self.pid(spec.name) is None for spec in self.stack.specs()):
                return False
            try:
                async with httpx.AsyncClient() as browser:
                    answer = await browser.get(f"{self.stack.desk_url}/readyz", timeout=10)
            except httpx.TransportError:
                return False
            return answer.is_success

        assert await self.until(serving, RESTART_SECONDS), "the desk does not come back"

    async def insist(self, what: Any) -> httpx.Response:
        """Repeat a request until it is answered, as a person would who sees an error."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            try:
                answer = await what()
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                return answer
            assert time.monotonic() < deadline, "the desk does not answer"
            await asyncio.sleep(0.3)
