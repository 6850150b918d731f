"""The API as tests drive it: in process, on a database of its own, with Temporal replaced."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.deps import Resources
from api.description import describe, operations
from domain.errors import ErrorCode, GreenlightError
from domain.ports import DryRunFindings, DryRunRequest
from domain.ports.backtests import BacktestRequest
from domain.recommendations import DecisionAction
from infra.db.session import Sessions
from infra.settings import Settings
from tests.integration.api.world import PASSWORD, World, build_world

HEADERS = {"X-Greenlight": "1"}
NO_WEB = Path("/nonexistent")


@dataclass
class MovableClock:
    """The host's clock, moved by hand."""

    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


@dataclass
class RecordedSignals:
    """Remembers what workflows were told; ``broken`` makes every telling fail."""

    broken: bool = False
    decisions: list[tuple[UUID, UUID, DecisionAction]] = field(default_factory=list)
    withdrawals: list[UUID] = field(default_factory=list)
    changed_orders: list[str] = field(default_factory=list)
    backtests: dict[str, BacktestRequest] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)
    strategy_runs: dict[str, UUID] = field(default_factory=dict)
    dry_runs: list[DryRunRequest] = field(default_factory=list)
    findings: DryRunFindings | None = None
    next_run_at: datetime | None = None
    scheduled: list[str] = field(default_factory=list)

    def start(self) -> None: ...
    async def stop(self) -> None: ...

    async def decision(
        self, recommendation_id: UUID, decision_id: UUID, action: DecisionAction
    ) -> bool:
        if not self.broken:
            self.decisions.append((recommendation_id, decision_id, action))
        return not self.broken

    async def withdraw(self, recommendation_id: UUID) -> None:
        if not self.broken:
            self.withdrawals.append(recommendation_id)

    async def order_changed(self, recommendation_id: UUID, order_key: str) -> None:
        if not self.broken:
            self.changed_orders.append(order_key)

    async def start_backtest(self, request: BacktestRequest, workflow_id: str) -> None:
        if self.broken:
            raise GreenlightError(ErrorCode.NOT_STARTED, "away")
        self.backtests[workflow_id] = request

    async def cancel_backtest(self, workflow_id: str) -> bool:
        self.cancelled.append(workflow_id)
        return workflow_id in self.backtests

    async def run_strategy(self, instance_id: UUID, workflow_id: str) -> None:
        if self.broken:
            raise GreenlightError(ErrorCode.NOT_STARTED, "away")
        self.strategy_runs[workflow_id] = instance_id

    async def dry_run(self, request: DryRunRequest, workflow_id: str) -> DryRunFindings:
        self.dry_runs.append(request)
        if self.findings is None:
            raise GreenlightError(ErrorCode.MARKET_CLOSED, "the market is closed")
        return self.findings

    async def set_schedules(self, gateways: Sequence[str]) -> bool:
        self.scheduled = list(gateways)
        return not self.broken

    async def next_strategy_runs(self) -> datetime | None:
        return None if self.broken else self.next_run_at

    async def is_reachable(self) -> bool:
        return not self.broken

    @property
    def client(self) -> None:
        return None


@dataclass
class Described:
    """The application, held to its description: every refusal is one that its operation names."""

    app: FastAPI

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, told = 0, b""

        async def noted(message: Message) -> None:
            nonlocal status, told
            if message["type"] == "http.response.start":
                status = message["status"]
            elif status >= 400:
                told += message.get("body", b"")
            await send(message)

        await self.app(scope, receive, noted)
        route = scope.get("route")
        operation = described_operations(self.app).get(getattr(route, "name", ""))
        if status < 400 or operation is None:
            return
        plain = gzip.decompress(told) if told.startswith(b"\x1f\x8b") else told
        code = json.loads(plain).get("code")
        known = operation["responses"].get(str(status), {})
        names = known["$ref"].rsplit("/", 1)[-1].split("-") if "$ref" in known else [code]
        assert known, f"{operation['operationId']} does not describe {status} {code}"
        assert code in names, f"{operation['operationId']} does not describe {code}"


_described: dict[str, dict[str, Any]] = {}


def described_operations(app: FastAPI) -> dict[str, dict[str, Any]]:
    """By name; every application describes the same."""
    if not _described:
        for _, path, operation in operations(describe(app)):
            if path.startswith("/api/"):
                _described[operation["operationId"]] = operation
    return _described


@dataclass
class ApiWorld:
    """A running application and the rows behind it."""

    app: FastAPI
    world: World
    clock: MovableClock
    signals: RecordedSignals

    @property
    def sessions(self) -> Sessions:
        resources: Resources = self.app.state.resources
        return resources.sessions

    def never_throttle(self) -> None:
        """For tests in which one person asks for everything within a second."""

        async def let_pass(*_: object) -> None: ...

        resources: Resources = self.app.state.resources
        resources.throttle._hit = resources.throttle._count = let_pass

    def browser(self) -> httpx.AsyncClient:
        """A browser that nobody has signed in with yet."""
        transport = httpx.ASGITransport(app=Described(self.app), client=("10.0.0.1", 1234))
        return httpx.AsyncClient(transport=transport, base_url="http://desk", headers=HEADERS)

    @asynccontextmanager
    async def signed_in(self, who: str) -> AsyncIterator[httpx.AsyncClient]:
        async with self.browser() as browser:
            response = await sign_in(browser, self.world.email(who))
            assert response.status_code == 200, response.text
            yield browser


async def sign_in(
    browser: httpx.AsyncClient, email: str, password: str = PASSWORD
) -> httpx.Response:
    return await browser.post("/api/auth/login/", json={"email": email, "password": password})


@asynccontextmanager
async def running_api(
    database_url: str, home: Path, web_dist: Path = NO_WEB
) -> AsyncIterator[ApiWorld]:
    """The application on a freshly filled database."""
    clock, signals = MovableClock(), RecordedSignals()
    settings = Settings(home=home, database_url=database_url)
    app = create_app(settings, clock=clock, signals=signals, web_dist=web_dist)
    resources: Resources = app.state.resources
    async with app.router.lifespan_context(app):
        async with resources.sessions.begin() as session:
            world = await build_world(session, clock.at)
        yield ApiWorld(app, world, clock, signals)
