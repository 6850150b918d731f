"""The desk as ``greenlight up`` runs it, process by process, to measure from outside.

`infra.embedded.stack` itself at market speed 1, durable, with the desk's own pauses. A tap on the
loopback line between broker worker and gateway tells when an order was on the wire; all it adds
counts against us.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import psutil
from sqlalchemy import update

from domain.ids import is_order_key, order_key
from infra.db import models as m
from infra.db import session as database
from infra.embedded.home import Home
from infra.embedded.ports import LOOPBACK, any_free_port
from infra.embedded.processes import read_pid
from infra.embedded.stack import DEFAULT_PORTS, GATEWAY_SLUG, Stack, StackOptions
from infra.operations import run_strategies
from infra.settings import Settings
from infra.simulator.ledger import Ledger
from infra.supervisor import Backoff, ProcessSpec, Supervisor, pid_file
from infra.temporal.client import connect
from infra.temporal.delivery import start_recommendation
from tests.conftest import OUTPUT
from tests.faults.floor import Floor
from tests.faults.furniture import add_instance, furnish
from tests.faults.offers import Offer, Offers, OfferShape, read_chain
from tests.faults.people import Person
from workflows.messages import StrategyRunsReport

ACCOUNTS = 5
START = "2026-11-23T10:00"
CORE_WORKER = "core worker"
START_SECONDS = 240.0
FORGOTTEN_AFTER = 5.0
ON_WIRE_SECONDS = 60.0
FILL_SECONDS = 1_200.0
STARTS_AT_ONCE = 32
QUIET_SECONDS = 60.0
PLACE_ORDER = b"3\0"
PREVIEW_AND_ORDER = 2
"""An order passes the wire twice: as a what-if, then as itself."""
ALL_DAY = OfferShape(minutes=330)


class Passed(NamedTuple):
    """A placeOrder on the wire, ``at`` by `time.perf_counter`."""

    broker_order_id: int
    at: float


class WireTap:
    """Passes bytes on between API clients and the gateway, and notes each order that passes."""

    def __init__(self, port: int) -> None:
        self._gateway_port = port
        self._server: asyncio.Server | None = None
        self.port = 0
        self.passed: defaultdict[str, list[Passed]] = defaultdict(list)
        """Every placeOrder by its orderRef, in order: an order's preview, itself, its steps."""

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_connection(LOOPBACK, self._gateway_port)
            answers = asyncio.create_task(_pump(back, writer))
            try:
                await self._pump_frames(reader, forth)
            finally:
                forth.close()
                answers.cancel()
        except (OSError, asyncio.IncompleteReadError):
            pass  # One side is down; the client will come again.
        finally:
            writer.close()

    async def _pump_frames(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        writer.write(await reader.readexactly(len(b"API\0")))
        while size := await reader.read(1):
            size += await reader.readexactly(3)
            body = await reader.readexactly(int.from_bytes(size, "big"))
            writer.write(size + body)
            if body.startswith(PLACE_ORDER):
                at = time.perf_counter()
                fields = [field.decode() for field in body.split(b"\0")]
                for order_ref in filter(is_order_key, fields):
                    self.passed[order_ref].append(Passed(int(fields[1]), at))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 16):
        writer.write(data)


class _Silent:
    """Hears of starts and deaths, and says nothing."""

    def port_changed(self, change: object) -> None: ...
    def left_over(self, names: list[str]) -> None: ...
    def done(self, what: str, seconds: float) -> None: ...
    def died(self, name: str, reason: str, retry_seconds: float) -> None: ...
    def recovered(self, name: str, seconds: float) -> None: ...


class _BenchStack(Stack):
    """The embedded stack with several accounts and a tap; strategies run when nobody measures."""

    def __init__(self, home: Home, codes: list[str]) -> None:
        ports = dict(zip(DEFAULT_PORTS, (any_free_port() for _ in DEFAULT_PORTS), strict=True))
        super().__init__(home, ports, StackOptions(speed=1.0), _Silent())
        # A second kill within the minute must not wait for longer than the first.
        self.supervisor = Supervisor(
            home.run, home.logs, _Silent(), Backoff(forgotten_after=FORGOTTEN_AFTER)
        )
        self.codes = codes
        self.tap = WireTap(ports["gateway"])

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
        specs = super().worker_specs()
        return [replace(spec, ready_timeout_seconds=START_SECONDS) for spec in specs]

    def api_spec(self) -> ProcessSpec:
        return replace(super().api_spec(), ready_timeout_seconds=START_SECONDS)

    async def _step(self, command: str, *arguments: str) -> str:
        if command == "run-strategies":
            return ""
        if command == "seed-demo":
            engine = database.engine(self.settings())
            await furnish(database.sessions(engine), GATEWAY_SLUG, self.tap.port, self.codes)
            await engine.dispose()
            return ""
        return await super()._step(command, *arguments)


@dataclass(frozen=True)
class Click:
    """One approval, in seconds after its POST left the browser."""

    answered: float
    on_wire: float


class BenchDesk(Floor):
    """A running desk of separate processes, and clicks that are timed."""

    def __init__(self) -> None:
        super().__init__()
        # A short path: Postgres listens on a unix socket in it.
        self._root = Path(tempfile.mkdtemp(prefix="gl-bench-")).resolve()
        self.home = Home(self._root)
        self.home.create()
        codes = [f"DU{1000001 + number}" for number in range(ACCOUNTS)]
        self.stack = _BenchStack(self.home, codes)

    async def start(self, undo: AsyncExitStack) -> None:
        """Start everything; what ends it again goes to ``undo``."""
        undo.push(self._leave)
        await self.stack.tap.start()
        undo.push_async_callback(self.stack.tap.stop)
        undo.push_async_callback(self.stack.stop)
        await self.stack.start()
        settings = self.stack.settings()
        engine = database.engine(settings)
        undo.push_async_callback(engine.dispose)
        self.sessions = database.sessions(engine)
        self.temporal = await connect(settings)
        self.furniture = await furnish(
            self.sessions, GATEWAY_SLUG, self.stack.tap.port, self.stack.codes
        )
        await self.until_trading()
        for account in self.furniture.accounts:
            email = account.approvers[0]
            self.people[email] = await Person.sign_in(email, self.stack.desk_url)
            undo.push_async_callback(self.people[email].leave)
        reading = await read_chain(self.stack.ports["gateway"])
        self.offers = Offers(self.sessions, self.furniture, reading)

    def _leave(self, failure: type[BaseException] | None, *_: object) -> None:
        if failure is not None:
            self.keep_logs()
        shutil.rmtree(self._root, ignore_errors=True)

    def keep_logs(self) -> None:
        """Of a failure, to look at when the desk is gone."""
        shutil.copytree(self.home.logs, OUTPUT / "logs-bench", dirs_exist_ok=True)

    def ledger(self) -> Ledger:
        return Ledger(self.home.gateway, read_only=True)

    def process(self, name: str) -> psutil.Process:
        """A process of the stack by its name. Raises where it does not run."""
        pid = read_pid(pid_file(self.home.run, name))
        assert pid is not None, f"no {name}"
        return psutil.Process(pid)

    @asynccontextmanager
    async def another_core_worker(self) -> AsyncIterator[None]:
        """A second core worker until the block ends, as docs/deploy.md scales them."""
        (spec,) = [spec for spec in self.stack.worker_specs() if spec.name == CORE_WORKER]
        process = await asyncio.create_subprocess_exec(*spec.argv, env=dict(spec.env), cwd=spec.cwd)
        ready = spec.ready
        assert ready is not None

        async def polls() -> bool:
            return await asyncio.to_thread(ready, process.pid)

        try:
            assert await self.until(polls, START_SECONDS), "no second core worker"
            yield
        finally:
            process.terminate()
            await process.wait()

    async def until_serving(self) -> None:
        """Until every process runs and has been up for long enough to be restarted at once."""

        async def settled() -> bool:
            now = time.time()
            names = [spec.name for spec in self.stack.worker_specs()]
            try:
                started = [self.process(name).create_time() for name in names]
            except (AssertionError, psutil.NoSuchProcess):
                return False
            return now - max(started) > FORGOTTEN_AFTER + 1

        assert await self.until(settled, START_SECONDS), "a worker does not come back"

    # --- a full queue ------------------------------------------------------------------------

    async def fill(self, like: Offer, count: int) -> list[Offer]:
        """``count`` more recommendations on the terms of ``like``; their workflows wait."""
        columns = [column.name for column in m.Recommendation.__table__.columns]
        kept = ", ".join(name for name in columns if name != "id")
        rows = await self.rows(
            f"INSERT INTO recommendations (id, {kept}) SELECT gen_random_uuid(), {kept}"
            " FROM recommendations, generate_series(1, :count) WHERE id = :id RETURNING id",
            count=count,
            id=like.recommendation_id,
        )
        made = [replace(like, recommendation_id=row["id"]) for row in rows]
        at_once = asyncio.Semaphore(STARTS_AT_ONCE)

        async def start(offer: Offer) -> None:
            async with at_once:
                await start_recommendation(self.temporal, offer.recommendation_id)

        await asyncio.gather(*(start(offer) for offer in made))
        await self.waiting(made)
        return made

    # --- clicking --------------------------------------------------------------------------

    async def waiting(self, offers: list[Offer]) -> None:
        """Until the workflow of every offer waits for its decision."""

        async def all_wait() -> bool:
            found = await self.temporal.count_workflows("GreenlightState = 'PROPOSED'")
            rows = await self.rows(
                "SELECT count(*) AS n FROM recommendations WHERE state = 'PROPOSED'"
            )
            seen = await self.rows(
                "SELECT count(*) AS n FROM recommendations"
                " WHERE id = ANY(:ids) AND workflow_seen_at IS NOT NULL",
                ids=[offer.recommendation_id for offer in offers],
            )
            return found.count >= rows[0]["n"] and seen[0]["n"] == len(offers)

        # Counting thousands takes time from those who are being counted.
        every = max(0.5, len(offers) / 2_000)
        assert await self.until(all_wait, FILL_SECONDS, every=every), "not all workflows wait"

    async def click(self, offer: Offer) -> Click:
        """Approve, and wait until the order is on the wire; the answer is awaited beside it."""
        began = time.perf_counter()
        answer = await self.approve(offer)
        answered = time.perf_counter()
        assert answer.is_success, answer.text
        decision_id = self.receipts[offer.recommendation_id]
        passed = self.stack.tap.passed[order_key(offer.recommendation_id, decision_id, 1)]

        async def both_passed() -> bool:
            return len(passed) >= PREVIEW_AND_ORDER

        if not await self.until(both_passed, ON_WIRE_SECONDS, every=0.005):
            raise AssertionError(f"no order on the wire: {await self._state_of(offer)}")
        return Click(answered - began, passed[1].at - began)

    def orders_at_gateway(self, offer: Offer) -> int:
        """How many orders the offer's first attempt is to the gateway, by its own books."""
        key = order_key(offer.recommendation_id, self.receipts[offer.recommendation_id], 1)
        with closing(self.ledger()) as books:
            return len(books.orders(key))

    @asynccontextmanager
    async def strategies_running(self) -> AsyncIterator[list[StrategyRunsReport]]:
        """The Wheel over its whole universe in the last account, again and again meanwhile.

        Yields the reports of the runs that have ended; one has ended when the block has.
        """
        account = self.furniture.accounts[-1]
        async with self.sessions.begin() as session:
            instance = await add_instance(session, self.furniture, account, "runs meanwhile")
            await session.execute(
                update(m.StrategyInstance)
                .where(m.StrategyInstance.id == instance)
                .values(enabled=True)
            )
        reports: list[StrategyRunsReport] = []
        stop = asyncio.Event()

        async def run_again_and_again() -> None:
            while not stop.is_set():
                reports.append(await run_strategies(self.stack.settings()))

        running = asyncio.create_task(run_again_and_again())
        try:
            yield reports
        finally:
            stop.set()
            await running

    async def _state_of(self, offer: Offer) -> dict[str, Any]:
        rows = await self.rows(
            "SELECT r.state, r.reason_code, r.reason, coalesce(jsonb_agg(jsonb_build_object("
            "'attempt', o.attempt, 'state', o.state, 'reason', o.reason_code)) FILTER (WHERE o.id"
            " IS NOT NULL), '[]') AS orders FROM recommendations r"
            " LEFT JOIN orders o ON o.recommendation_id = r.id WHERE r.id = :id GROUP BY r.id",
            id=offer.recommendation_id,
        )
        return rows[0]

    async def withdraw(self, offer: Offer) -> None:
        """Have the order cancelled, and wait until the desk is idle again."""
        order_id = await self.order_id_at_broker(offer)
        assert order_id is not None, await self._state_of(offer)
        answer = await self.person(offer).withdraw(order_id)
        assert answer.is_success or answer.status_code == 409, answer.text
        assert await self.until(lambda: self._has_ended(offer.recommendation_id), QUIET_SECONDS)

    async def _has_ended(self, recommendation_id: UUID) -> bool:
        rows = await self.rows(
            "SELECT 1 FROM recommendations WHERE id = :id AND state <> 'APPROVED'",
            id=recommendation_id,
        )
        return bool(rows)


@asynccontextmanager
async def bench_desk() -> AsyncIterator[BenchDesk]:
    """A desk that trades, until the block ends."""
    desk = BenchDesk()
    async with AsyncExitStack() as undo:
        await desk.start(undo)
        yield desk
