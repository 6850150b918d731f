"""One broker worker's hold on one gateway: lease, connection, clock, listener, comparison.

Nothing connects without the lease, and losing the lease ends the connection. After every sync
the broker's books are compared with ours before anything may be sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import socket
from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError

from activities.crash_points import crash_point
from domain.errors import BrokerUnavailable
from domain.market import MarketClock
from infra.calendars import trading_calendar
from infra.db.broker_record import BrokerRecord
from infra.db.clock import host_now
from infra.db.ingestion import PostgresIngestion
from infra.db.lease import LEASE_SECONDS, Lease, acquire_lease, release_lease, renew_lease
from infra.db.ledger import LeaseHolder, PostgresLedger
from infra.db.models import ConnectionState, Gateway
from infra.db.session import Sessions, own_connections
from infra.ibkr.broker import IbkrBroker, read_clock
from infra.ibkr.client import GatewayAddress, IbkrClient
from infra.ibkr.listener import Listener, OrderChanges
from infra.metrics import BROKER_CONNECTIONS

log = structlog.get_logger(__name__)
CLOCK_SECONDS = 1.0
COMPARE_SECONDS = 30.0
QUIET_TURNS = 10
OnOrderChanged = Callable[[str], Awaitable[None]]
OnConnected = Callable[[], Awaitable[None]]


async def _nobody_to_tell() -> None:
    """For a session whose connecting interests nobody else."""


async def gateway_address(sessions: Sessions, slug: str) -> GatewayAddress:
    """Where the gateway is and as which API client to join it. LookupError where unknown."""
    async with sessions() as session:
        row = await session.scalar(select(Gateway).where(Gateway.slug == slug))
    if row is None:
        raise LookupError(f"no gateway {slug!r} is set up")
    return GatewayAddress(host=row.host, port=row.port, client_id=row.client_number)


class News:
    """Tells of changed orders beside the listener: a slow receiver must not delay a record."""

    def __init__(self, tell: OnOrderChanged) -> None:
        self._tell = tell
        self._waiting: dict[str, None] = {}
        self._any = asyncio.Event()

    def add(self, order_key: str) -> None:
        self._waiting[order_key] = None
        self._any.set()

    async def run(self) -> None:
        while True:
            await self._any.wait()
            self._any.clear()
            keys, self._waiting = list(self._waiting), {}
            for order_key in keys:
                try:
                    await self._tell(order_key)
                except Exception:
                    # A hint only: who misses it reads the row on a timer of its own.
                    log.warning("order.change_not_told", order_key=order_key, exc_info=True)


class GatewaySession:
    """The parts of a broker worker that live as long as its process."""

    def __init__(
        self,
        slug: str,
        address: GatewayAddress,
        sessions: Sessions,
        on_change: OnOrderChanged,
        on_connected: OnConnected = _nobody_to_tell,
    ) -> None:
        self.slug = slug
        self._sessions = sessions
        # Lease, clock and connection state; replaced by connections of their own while it runs.
        self._vital = sessions
        self._lease = LeaseHolder()
        self._state = ConnectionState.DISCONNECTED
        self._clock: MarketClock | None = None
        self._news = News(on_change)
        self._on_connected = on_connected
        self._connected = asyncio.Event()
        self.held = asyncio.Event()
        """Set while the lease is held; ``let_go`` from its loss until it is held again."""
        self.let_go = asyncio.Event()
        self.ledger = PostgresLedger(sessions, self._lease)
        self.changes = OrderChanges(self.ledger)
        self.client = IbkrClient(address, self._save_state, self._compare_books)
        self.broker = IbkrBroker(self.client, self.ledger.now)
        self.listener = Listener(slug, self.client, BrokerRecord(sessions), self.announce)
        self.ingestion = PostgresIngestion(sessions)

    async def run(self) -> None:
        """Hold the gateway whenever the lease allows, until cancelled."""
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        # Twenty activities may hold every connection of the pool: the lease must not wait for them.
        async with own_connections(self._sessions) as self._vital:
            await self._hold_again_and_again(owner)

    async def _hold_again_and_again(self, owner: str) -> None:
        while True:
            lease = await self._acquire(owner)
            self._lease.lease = lease
            self.let_go.clear()
            self.held.set()
            crash_point("lease.acquired")
            log.info("lease.acquired", gateway=self.slug, epoch=lease.epoch)
            try:
                await self._hold(lease)
            finally:
                self.client.ready.clear()
                await asyncio.shield(self._let_go(lease))
            log.warning("lease.lost", gateway=self.slug, epoch=lease.epoch)

    async def _let_go(self, lease: Lease) -> None:
        self.held.clear()
        self.let_go.set()
        await self._save_state(ConnectionState.DISCONNECTED, "the broker worker has let go")
        self._lease.lease = None
        with contextlib.suppress(SQLAlchemyError, OSError):
            await release_lease(self._vital, lease)

    async def _acquire(self, owner: str) -> Lease:
        while True:
            try:
                lease = await acquire_lease(self._vital, self.slug, owner)
                # Another worker may have held the gateway in between.
                self.client.order_ids_used_to(
                    await self.ledger.highest_order_id(self.slug, self.client.address.client_id)
                )
            except (SQLAlchemyError, OSError) as error:
                log.warning("lease.unreachable", error=str(error))
                lease = None
            if lease is not None:
                return lease
            await asyncio.sleep(LEASE_SECONDS / 6)

    async def _hold(self, lease: Lease) -> None:
        """Run everything under ``lease``; return when the lease is gone."""
        parts = [
            asyncio.create_task(self.client.run(), name="connection"),
            asyncio.create_task(self.listener.run(), name="listener"),
            asyncio.create_task(self._news.run(), name="news"),
            asyncio.create_task(self._keep_clock(), name="clock"),
            asyncio.create_task(self._keep_comparing(), name="comparison"),
            asyncio.create_task(self._keep_telling(), name="connected"),
            asyncio.create_task(self._keep_lease(lease), name="lease"),
        ]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in parts:
                task.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _keep_lease(self, lease: Lease) -> None:
        last_renewed = asyncio.get_running_loop().time()
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            try:
                async with asyncio.timeout(LEASE_SECONDS / 3):
                    if not await renew_lease(self._vital, lease):
                        return
                last_renewed = asyncio.get_running_loop().time()
                crash_point("lease.renewed")
            except (SQLAlchemyError, OSError) as error:
                log.warning("lease.unreachable", error=str(error))
                if asyncio.get_running_loop().time() - last_renewed > LEASE_SECONDS:
                    return

    async def _keep_clock(self) -> None:
        while True:
            try:
                await self._read_clock()
            except (BrokerUnavailable, SQLAlchemyError, OSError) as error:
                log.debug("clock.unread", error=str(error))
            await asyncio.sleep(CLOCK_SECONDS)

    async def _read_clock(self) -> None:
        self.client.require_ready()
        self._clock = await read_clock(self.broker, self._clock)
        await PostgresIngestion(self._vital).save_clock(
            self.slug,
            self._clock,
            trading_calendar().session_at(self._clock.market_at),
            self._lease.require().epoch,
        )

    async def _keep_comparing(self) -> None:
        """Read the broker's books without being told to: often while an order is in doubt.

        Now and then otherwise too: trades made outside the desk are told to nobody else, and the
        gateway forgets them at midnight.
        """
        for turn in itertools.count(1):
            await asyncio.sleep(COMPARE_SECONDS)
            try:
                self.client.require_ready()
                if turn % QUIET_TURNS == 0 or await self.ledger.in_doubt(self.slug):
                    books = await self.broker.read_books()
                    for order_key in await self.ledger.record_books(self.slug, books):
                        await self.announce(order_key)
            except (BrokerUnavailable, SQLAlchemyError, OSError) as error:
                log.warning("books.not_compared", error=str(error))

    async def _keep_telling(self) -> None:
        """After every sync, have all accounts looked at; the schedule makes up for what fails."""
        while True:
            await self._connected.wait()
            self._connected.clear()
            try:
                await self._on_connected()
            except Exception:
                log.warning("gateway.connection_not_told", gateway=self.slug, exc_info=True)

    async def _save_state(self, state: str, detail: str) -> None:
        connection, before = ConnectionState(state), self._state
        self._state = connection
        if connection is ConnectionState.CONNECTED is not before:
            self._connected.set()
            BROKER_CONNECTIONS.labels(self.slug).inc()
        lease = self._lease.lease
        if lease is None:
            return
        with contextlib.suppress(SQLAlchemyError, OSError):
            async with self._vital.begin() as session:
                values: dict[str, object] = {"connection": connection, "connection_detail": detail}
                if connection is ConnectionState.CONNECTED is not before:
                    values["connected_at"] = host_now()
                await session.execute(
                    update(Gateway)
                    .where(Gateway.slug == self.slug, Gateway.lease_epoch == lease.epoch)
                    .values(**values)
                )

    async def _compare_books(self) -> None:
        """After a sync, before anything may be sent: what happened while we were away?"""
        try:
            books = await self.broker.read_books_while_syncing()
            crash_point("session.books_read")
            changed = await self.ledger.record_books(self.slug, books)
            crash_point("session.books_folded")
        except (SQLAlchemyError, OSError) as error:
            raise ConnectionError(f"the broker's books could not be stored: {error}") from error
        for order_key in changed:
            await self.announce(order_key)

    async def announce(self, order_key: str) -> None:
        """Tell whoever waits for an order, here and in its workflow, that its row has changed."""
        self.changes.announce(order_key)
        self._news.add(order_key)
