"""A whole desk in one process, for as long as a round of a campaign lasts.

Real: Postgres, Temporal, the TWS wire, both workers as `infra.temporal.worker` composes them, the
API as `api.app` does. What runs in this process may be broken at a chosen instant; what the broker
saw is in the simulated gateway's own ledger.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
from temporalio.service import RPCError

from api.app import create_app
from infra.db import session as database
from infra.settings import Settings
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.simulator.ledger import Ledger
from infra.simulator.market_events import EventPlan
from infra.simulator.resting import Resting
from infra.temporal.client import connect
from infra.temporal.setup import setup
from infra.temporal.worker import run_broker, run_core
from tests.faults.floor import Floor
from tests.faults.furniture import furnish
from tests.faults.hurry import hurried
from tests.faults.offers import Offers, read_chain
from tests.faults.people import Person
from tests.faults.servers import Servers
from workflows.ids import recommendation_workflow_id

GATEWAY = "campaign"
MONDAY_10 = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""10:00 in New York on a trading day."""
NO_WEB = Path("/nonexistent")


@dataclass(frozen=True)
class WorldOptions:
    """How large and how fast a world is.

    Several accounts, because an account's approvals are judged one after the other.
    """

    accounts: int = 8
    speed: float = 6.0
    """Market seconds per second; at the mid an order fills in 20 market seconds on average."""
    market_seed: int = 7
    events: EventPlan | None = None
    second_approvers: bool = False
    recording: Path | None = None
    """What the gateway plays instead of a market drawn from a seed; its fills then depend on the
    quotes alone."""


class World(Floor):
    """One desk and its broker. Open it with `open_world`."""

    gateway: SimulatedGateway
    settings: Settings

    def __init__(self, servers: Servers, options: WorldOptions) -> None:
        super().__init__()
        self.servers = servers
        self.options = options
        self._workers: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}

    # --- its life --------------------------------------------------------------------------

    async def start(self, stack: AsyncExitStack) -> None:
        database_url = await self.servers.database()
        stack.push_async_callback(self.servers.drop, database_url)
        recording = self.options.recording
        codes = [f"DU{1000001 + number}" for number in range(self.options.accounts)]
        self.gateway = await stack.enter_async_context(
            SimulatedGateway(
                GatewayOptions(
                    data_dir=self.servers.new_directory(),
                    port=0,
                    speed=self.options.speed,
                    seed=self.options.market_seed,
                    start=MONDAY_10,
                    accounts=tuple(codes),
                    events=self.options.events,
                    market="synthetic" if recording is None else "replay",
                    recording=recording,
                    resting=Resting.HIT if recording is None else Resting.WAIT,
                )
            )
        )
        self.settings = Settings(
            database_url=database_url,
            temporal_address=self.servers.temporal(),
            gateway_slug=GATEWAY,
            gateway_port=self.gateway.port,
            log_level="WARNING",
        )
        engine = database.engine(self.settings)
        stack.push_async_callback(engine.dispose)
        self.sessions = database.sessions(engine)
        self.furniture = await furnish(self.sessions, GATEWAY, self.gateway.port, codes)
        self.temporal = await connect(self.settings)
        await setup(self.settings)
        stack.push_async_callback(self._stop_everything)
        await self._serve_api(stack)
        self.start_core()
        self.start_broker()
        await self.until_trading()
        if recording is None:
            reading = await read_chain(self.gateway.port)
            self.offers = Offers(self.sessions, self.furniture, reading)

    def start_core(self) -> None:
        self._start("core", lambda stop: run_core(self.settings, stop))

    def start_broker(self, name: str = "broker") -> None:
        """A broker worker; a second one under another name waits for the lease."""
        self._start(name, lambda stop: run_broker(self.settings, GATEWAY, stop))

    async def stop_worker(self, name: str) -> None:
        """In its orderly way. A crash is what other rows do, to processes."""
        task, stop = self._workers.pop(name)
        stop.set()
        await asyncio.gather(task, return_exceptions=True)

    def _start(self, name: str, run: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        stop = asyncio.Event()

        async def work() -> None:
            await run(stop)

        self._workers[name] = asyncio.create_task(work(), name=name), stop

    async def _serve_api(self, stack: AsyncExitStack) -> None:
        app = create_app(self.settings, web_dist=NO_WEB)
        await stack.enter_async_context(app.router.lifespan_context(app))
        self._transport = httpx.ASGITransport(app)
        for account in self.furniture.accounts:
            for email in account.approvers[: 1 + self.options.second_approvers]:
                person = await self.sign_in(email)
                stack.push_async_callback(person.leave)
                self.people[email] = person

    async def sign_in(self, email: str) -> Person:
        """Somebody with the furniture's password, at a browser of their own."""
        return await Person.sign_in(email, "http://desk.test", self._transport)

    async def _stop_everything(self) -> None:
        await self._end_workflows()
        await asyncio.gather(*(self.stop_worker(name) for name in list(self._workers)))

    async def _end_workflows(self) -> None:
        """The next world runs on the same queues and knows nothing of these."""
        ids = await self.rows("SELECT id FROM recommendations")

        async def end(recommendation_id: UUID) -> None:
            handle = self.temporal.get_workflow_handle(
                recommendation_workflow_id(recommendation_id)
            )
            try:
                await handle.terminate("the round is over")
            except RPCError:
                return  # It has ended.

        await asyncio.gather(*(end(row["id"]) for row in ids))

    def ledger(self) -> Ledger:
        return self.gateway.ledger

    def check_alive(self) -> None:
        for task, _ in self._workers.values():
            if task.done():
                task.result()


@asynccontextmanager
async def open_world(
    servers: Servers, options: WorldOptions | None = None, *, world: World | None = None
) -> AsyncIterator[World]:
    """A desk that trades, until the block ends; ``world`` is one of a special kind."""
    opened = world or World(servers, options or WorldOptions())
    with hurried():
        async with AsyncExitStack() as stack:
            await opened.start(stack)
            yield opened
