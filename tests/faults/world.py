"""A whole desk in one process, for as long as a round of a campaign lasts.

Real: Postgres, Temporal, the TWS wire, both workers as `infra.temporal.worker` composes them, the
API as `api.app` does. What runs in this process may be broken at a chosen instant; what the broker
saw is in the simulated gateway's own ledger.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from temporalio.client import Client
from temporalio.service import RPCError

from api.app import create_app
from domain.recommendations import RecommendationState
from infra.db import session as database
from infra.db.recommendations import PostgresRecommendations
from infra.db.session import Sessions
from infra.settings import Settings
from infra.simulator.app import GatewayOptions, SimulatedGateway
from infra.temporal.client import connect
from infra.temporal.delivery import TemporalDelivery
from infra.temporal.setup import setup
from infra.temporal.worker import run_broker, run_core
from tests.faults.furniture import Furniture, furnish
from tests.faults.hurry import hurried
from tests.faults.judge import ENDED, judge, read_records, unsettled
from tests.faults.offers import Offer, Offers, OfferShape, read_chain
from tests.faults.people import Person
from tests.faults.rounds import Verdict
from tests.faults.servers import Servers
from workflows.ids import recommendation_workflow_id

GATEWAY = "campaign"
MONDAY_10 = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
"""10:00 in New York on a trading day."""
POLL_SECONDS = 0.4
SETTLE_SECONDS = 150.0
"""For the desk to bring all that is in flight to its end, on a busy machine."""
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
    second_approvers: bool = False


class World:
    """One desk and its broker. Open it with `open_world`."""

    gateway: SimulatedGateway
    settings: Settings
    sessions: Sessions
    temporal: Client
    furniture: Furniture
    offers: Offers

    def __init__(self, servers: Servers, options: WorldOptions) -> None:
        self.servers = servers
        self.options = options
        self.receipts: dict[UUID, UUID] = {}
        """Decision id by recommendation, of every approval that was answered with 2xx."""
        self.people: dict[str, Person] = {}
        self._workers: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}

    # --- its life --------------------------------------------------------------------------

    async def start(self, stack: AsyncExitStack) -> None:
        database_url = await self.servers.database()
        stack.push_async_callback(self.servers.drop, database_url)
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
        transport = httpx.ASGITransport(app)
        for account in self.furniture.accounts:
            for email in account.approvers[: 1 + self.options.second_approvers]:
                person = await Person.sign_in(email, "http://desk.test", transport)
                stack.push_async_callback(person.leave)
                self.people[email] = person

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

    # --- offering and deciding -------------------------------------------------------------

    async def offer(
        self, seed: int, count: int, shape: OfferShape | None = None, *, waiting: bool = True
    ) -> list[Offer]:
        """``count`` recommendations on distinct contracts; their workflows run if ``waiting``."""
        made = await self.offers.make(seed, count, shape)
        if waiting:
            store = PostgresRecommendations(self.sessions)
            delivery = TemporalDelivery(self.temporal)
            for offer in made:
                await delivery.start(await store.brief(offer.recommendation_id))
        return made

    def person(self, offer: Offer, which: int = 0) -> Person:
        """Whoever may decide on the offer: the first or the second approver of its account."""
        return self.people[offer.account.approvers[which]]

    async def approve(
        self, offer: Offer, which: int = 0, *, key: str | None = None, **fields: Any
    ) -> httpx.Response:
        """Click; a 2xx answer is remembered as a promise."""
        answer = await self.person(offer, which).approve(offer, key=key, **fields)
        if answer.is_success:
            receipt = answer.json()
            if receipt["action"] == "APPROVE":
                self.receipts[offer.recommendation_id] = UUID(receipt["decision_id"])
        return answer

    async def approve_all(self, offers: Sequence[Offer], **fields: Any) -> None:
        """Approve every offer at once; all must be accepted."""
        answers = await asyncio.gather(*(self.approve(offer, **fields) for offer in offers))
        refused = [answer.text for answer in answers if not answer.is_success]
        assert not refused, refused

    # --- looking ---------------------------------------------------------------------------

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows of one query on the desk's database."""
        async with self.sessions.begin() as session:
            found = await session.execute(text(query), parameters)
            return [dict(row._mapping) for row in found]

    async def until(
        self, condition: Callable[[], Awaitable[bool]], seconds: float, what: str = ""
    ) -> bool:
        """Whether the condition came true in time; a worker that ended is raised."""
        deadline = time.monotonic() + seconds
        while not await condition():
            for task, _ in self._workers.values():
                if task.done():
                    task.result()
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    async def until_trading(self) -> None:
        async def connected() -> bool:
            return bool(
                await self.rows(
                    "SELECT 1 FROM gateways WHERE connection = 'CONNECTED' AND session_open"
                )
            )

        assert await self.until(connected, 60), "the broker worker did not connect"

    async def order_states(self) -> dict[str, str]:
        """State by order key, as on record."""
        rows = await self.rows("SELECT order_key, state FROM orders")
        return {row["order_key"]: row["state"] for row in rows}

    async def order_id_at_broker(self, offer: Offer) -> UUID | None:
        """The row id of the offer's newest order once it was claimed; None if it came to none."""
        found: list[UUID] = []

        async def claimed() -> bool:
            rows = await self.rows(
                "SELECT r.state AS ending, o.id, o.state FROM recommendations r"
                " LEFT JOIN orders o ON o.recommendation_id = r.id WHERE r.id = :id"
                " ORDER BY o.attempt DESC NULLS LAST LIMIT 1",
                id=offer.recommendation_id,
            )
            (row,) = rows
            if row["state"] not in (None, "READY", "DENIED"):
                found.append(row["id"])
            return bool(found) or row["ending"] in ENDED

        await self.until(claimed, SETTLE_SECONDS)
        return found[0] if found else None

    async def settle(self, seconds: float = SETTLE_SECONDS) -> None:
        """Until every approval has ended or waits for a person, or the time is over."""

        async def settled() -> bool:
            open_ones = await self.rows(
                "SELECT 1 FROM recommendations WHERE state = :approved LIMIT 1",
                approved=RecommendationState.APPROVED.value,
            )
            if open_ones and not await self._any_in_doubt():
                return False
            return not unsettled(await read_records(self.sessions), self.receipts)

        await self.until(settled, seconds)

    async def _any_in_doubt(self) -> bool:
        return bool(
            await self.rows("SELECT 1 FROM orders WHERE state IN ('UNKNOWN', 'QUARANTINE') LIMIT 1")
        )

    async def judge(self) -> Verdict:
        """The verdict on everything that was done in this world."""
        return judge(self.gateway.ledger, await read_records(self.sessions), self.receipts)


@asynccontextmanager
async def open_world(servers: Servers, options: WorldOptions | None = None) -> AsyncIterator[World]:
    """A desk that trades, until the block ends."""
    with hurried():
        async with AsyncExitStack() as stack:
            world = World(servers, options or WorldOptions())
            await world.start(stack)
            yield world
