"""The connection to one gateway: connect, full sync, watch, reconnect.

``ready`` is set only while the socket is up, the initial sync was complete (``raiseSyncErrors``)
and no connectivity loss (1100) is outstanding. Everything that sends or reads checks it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog
from ib_async import IB
from ib_async.client import Client as IbSocketClient

from domain.errors import BrokerUnavailable
from infra.ibkr.pacing import MeasuredLimiter
from infra.ibkr.recorder import BrokerMessage, ErrorSeen, RecordingWrapper, Sink
from infra.ibkr.sharing import SharedReading

log = structlog.get_logger(__name__)
T = TypeVar("T")

CONNECT_TIMEOUT_SECONDS = 15.0
REQUEST_TIMEOUT_SECONDS = 10.0
HEARTBEAT_SECONDS = 4.0
SILENCE_SECONDS = 8.0
"""A line on which nothing was heard for so long is taken for dead, though the socket is open."""
SLOW_SECONDS = 20.0
"""So long a gateway may take to answer while anything else is heard from it: it may be slow."""
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)

LOST, RESTORED_DATA_LOST, RESTORED = 1100, 1101, 1102
CLIENT_ID_IN_USE = 326
FARM_BROKEN, FARM_RESTORED = frozenset({2103, 2105, 2157}), frozenset({2104, 2106, 2158})
"""Market data, historical data and security definition farms; 2104 and its like are good news."""


@dataclass(frozen=True, slots=True)
class GatewayAddress:
    host: str
    port: int
    client_id: int


class RecordingIB(IB):
    """``ib_async.IB`` around the recording wrapper, and without subscriptions of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.wrapper = RecordingWrapper(self)
        self.client = IbSocketClient(self.wrapper)
        self.client.apiEnd += self.disconnectedEvent

    def _onError(self, *_: object) -> None:  # noqa: N802 - ib_async's name
        """Not ib_async's own reaction to 1102: each adds an account summary that is never ended,
        and TWS allows two."""


class IbkrClient:
    """One API session that keeps itself alive.

    ``on_synced`` runs after every full sync, before ``ready`` is set: the place to compare the
    broker's books with ours. It may raise; the connection is then tried again.
    """

    def __init__(
        self,
        address: GatewayAddress,
        on_state: Callable[[str, str], Awaitable[None]],
        on_synced: Callable[[], Awaitable[None]],
    ) -> None:
        self.address = address
        self.ib = RecordingIB()
        self.ready = asyncio.Event()
        # Background reading leaves room for orders under TWS's 50 messages a second: at most 10
        # at once and 25 a second, so ib_async's own queue (45/s) never holds an order back.
        self.pacer = MeasuredLimiter("reading", 10, 0.4)
        # TWS answers 60 historical requests in 10 minutes: 24 at once and 36 by and by are that.
        self.history_pacer = MeasuredLimiter("history", 24, 400.0)
        self._on_state = on_state
        self._on_synced = on_synced
        self._resync = asyncio.Event()
        self._time = SharedReading(self._ask_time, "gateway time")
        self._farms_changed = asyncio.Event()
        self._broken_farms: set[str] = set()
        self._lost = False
        self._data_lost = False
        self._losses = 0
        self._refusal = ""
        self._last_order_id = 0
        self.wrapper.sinks.append(self._watch_connectivity)

    @property
    def wrapper(self) -> RecordingWrapper:
        wrapper = self.ib.wrapper
        assert isinstance(wrapper, RecordingWrapper)
        return wrapper

    def require_ready(self) -> IB:
        """The connected session. Raises BrokerUnavailable while it is not fully synced."""
        if not self.ready.is_set() or not self.ib.isConnected():
            raise BrokerUnavailable(
                f"gateway {self.address.host}:{self.address.port} is not connected and synced"
            )
        return self.ib

    def reserve_order_id(self) -> int:
        """An id that no order of this API client has or ever had.

        The gateway offers ids above those it has seen; an order that never reached it holds a
        higher one, by which a later cancel or error would find the wrong order.
        """
        socket = self.require_ready().client
        socket.updateReqId(self._last_order_id + 1)
        self._last_order_id = socket.getReqId()
        return self._last_order_id

    def order_ids_used_to(self, highest: int) -> None:
        """Order ids up to ``highest`` belong to orders on record."""
        self._last_order_id = max(self._last_order_id, highest)

    async def ask(self, request: Awaitable[T], timeout_seconds: float | None = None) -> T:
        """Await a request; silence or a dropped line is BrokerUnavailable, never a hang."""
        patience = REQUEST_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
        try:
            # Not asyncio.wait_for: before Python 3.12 it loses a cancellation that meets an answer.
            async with asyncio.timeout(patience):
                return await request
        except TimeoutError:
            raise BrokerUnavailable(f"no answer within {patience:g} s") from None
        except ConnectionError as error:
            raise BrokerUnavailable(f"connection lost: {error}") from error

    async def server_time(self, timeout_seconds: float | None = None) -> datetime:
        """The gateway's clock."""
        return await self.ask(self._time.get(), timeout_seconds)

    async def _ask_time(self) -> datetime:
        return await self.ask(self.ib.reqCurrentTimeAsync(), SLOW_SECONDS)

    @contextlib.contextmanager
    def unbroken(self) -> Iterator[None]:
        """Raise BrokerUnavailable after the block if connectivity to IBKR was lost meanwhile.

        A gateway without IBKR answers from what it remembers: nothing follows from what is absent.
        """
        losses = self._losses
        yield
        if self._lost or self._losses != losses:
            raise BrokerUnavailable("the gateway lost its connection to IBKR while it was read")

    @contextlib.contextmanager
    def collecting(self, sink: Sink) -> Iterator[None]:
        """Hand every raw message to ``sink`` as well, for as long as the block runs."""
        self.wrapper.sinks.append(sink)
        try:
            yield
        finally:
            self.wrapper.sinks.remove(sink)

    async def run(self) -> None:
        """Keep the session connected and synced until cancelled."""
        attempt = 0
        try:
            while True:
                try:
                    await self._connect()
                    attempt = 0
                    reason = await self._until_broken()
                except (ConnectionError, TimeoutError, OSError, BrokerUnavailable) as error:
                    reason = str(error) or type(error).__name__
                self.ready.clear()
                self.ib.disconnect()
                await self._on_state("DISCONNECTED", reason)
                delay = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
                log.warning("gateway.disconnected", reason=reason, retry_in_seconds=delay)
                attempt += 1
                await asyncio.sleep(delay)
        finally:
            self.ready.clear()
            self.ib.disconnect()

    async def _connect(self) -> None:
        await self._on_state("SYNCING", "")
        self._lost = self._data_lost = False
        self._refusal = ""
        self._broken_farms.clear()
        self._resync.clear()
        # The sync's own requests are numbered above every order on record, too: an error names
        # only a number.
        self.ib.client.updateReqId(self._last_order_id + 1)
        await self._greet()
        await self._declare_ready()
        log.info("gateway.connected", client_id=self.address.client_id)

    async def _greet(self) -> None:
        """Connect and sync. A gateway that hangs up (326, say) ends the wait for its greeting."""
        hung_up = asyncio.Event()
        connecting = asyncio.create_task(
            self.ib.connectAsync(
                self.address.host,
                self.address.port,
                clientId=self.address.client_id,
                timeout=CONNECT_TIMEOUT_SECONDS,
                raiseSyncErrors=True,
            )
        )
        dropped = asyncio.create_task(hung_up.wait())

        def on_drop(_: str) -> None:
            hung_up.set()

        connection = self.ib.client.conn
        connection.disconnected += on_drop
        try:
            await asyncio.wait({connecting, dropped}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                raise ConnectionError(self._refusal or "the gateway hung up on the greeting")
            connecting.result()
        finally:
            connection.disconnected -= on_drop
            for task in (connecting, dropped):
                task.cancel()
            await asyncio.gather(connecting, dropped, return_exceptions=True)

    async def _declare_ready(self) -> None:
        """Compare the books; ready only if connectivity was not lost again meanwhile."""
        await self._on_synced()
        if self._lost:
            return
        self.ready.set()
        await self._on_state("CONNECTED", self._farm_notice())

    async def _until_broken(self) -> str:
        """Why the session ended: the socket dropped, or went silent.

        Re-syncs in place after connectivity came back.
        """
        gone = asyncio.Event()
        self.ib.disconnectedEvent += gone.set
        silent = asyncio.create_task(self._until_silent(), name="heartbeat")
        try:
            while self.ib.isConnected():
                waits = {
                    asyncio.ensure_future(gone.wait()),
                    asyncio.ensure_future(self._resync.wait()),
                    asyncio.ensure_future(self._farms_changed.wait()),
                }
                await asyncio.wait({*waits, silent}, return_when=asyncio.FIRST_COMPLETED)
                for task in waits:
                    task.cancel()
                if gone.is_set():
                    break
                if silent.done():
                    return f"no answer for {silent.result():g} s: the connection is half-open"
                if self._data_lost:
                    return "IBKR came back without our subscriptions (1101): connecting anew"
                if self._resync.is_set():
                    self._resync.clear()
                    await self._after_connectivity_change()
                if self._farms_changed.is_set():
                    self._farms_changed.clear()
                    if self.ready.is_set():
                        await self._on_state("CONNECTED", self._farm_notice())
        finally:
            silent.cancel()
            self.ib.disconnectedEvent -= gone.set
        return "connection lost"

    async def _until_silent(self) -> float:
        """Return once the gateway no longer answers, after how many seconds; TCP may never tell."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            heard_before = self._bytes_heard()
            question = asyncio.create_task(self.server_time(SLOW_SECONDS))
            try:
                await asyncio.wait({question}, timeout=SILENCE_SECONDS)
                if not question.done() and self._bytes_heard() == heard_before:
                    return SILENCE_SECONDS
                await question
            except BrokerUnavailable:
                return SLOW_SECONDS
            finally:
                question.cancel()

    def _bytes_heard(self) -> int:
        return self.ib.client.connectionStats().numBytesRecv

    async def _after_connectivity_change(self) -> None:
        if self._lost:
            self.ready.clear()
            await self._on_state("SYNCING", "the gateway lost its connection to IBKR (1100)")
            return
        await self._declare_ready()

    def _watch_connectivity(self, message: BrokerMessage) -> None:
        if not isinstance(message, ErrorSeen):
            return
        if message.code == LOST:
            self._lost = True
            self._losses += 1
            self.ready.clear()
            self._resync.set()
        elif message.code in (RESTORED, RESTORED_DATA_LOST):
            self._lost = False
            # Nothing is ready until the books were compared anew, whether 1100 was heard or not.
            self.ready.clear()
            self._data_lost = message.code == RESTORED_DATA_LOST
            self._resync.set()
        elif message.code in FARM_BROKEN | FARM_RESTORED:
            farm = message.message.rpartition(":")[2].strip()
            known = set(self._broken_farms)
            (self._broken_farms.add if message.code in FARM_BROKEN else self._broken_farms.discard)(
                farm
            )
            if known != self._broken_farms:
                self._farms_changed.set()
        elif message.code == CLIENT_ID_IN_USE:
            self._refusal = f"API client id {self.address.client_id} is in use at the gateway (326)"
            log.error("gateway.client_id_in_use", client_id=self.address.client_id)

    def _farm_notice(self) -> str:
        if not self._broken_farms:
            return ""
        return f"data farm connection broken: {', '.join(sorted(self._broken_farms))}"
