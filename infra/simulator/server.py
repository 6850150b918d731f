"""The TCP side: greets clients, reads their requests, answers each with a result or an error."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator

from infra.simulator import messages
from infra.simulator.delivery import ConnectionCut, Direction, Inlet
from infra.simulator.gateway import Gateway
from infra.simulator.reference import NEW_YORK
from infra.simulator.requests import HANDLERS
from infra.simulator.requests import request_id as request_id_of
from infra.simulator.session import ClientSession
from infra.simulator.wire import Fields, WireError, frame, read_frame, read_hello

log = logging.getLogger(__name__)

START_API = 71
HELLO_TIMEOUT_SECONDS = 10.0


class Server:
    """Listens on one address and serves every client that speaks the protocol."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen; returns the port, a free one for 0."""
        self._server = await asyncio.start_server(self._accept, host, port)
        return self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        self._stopping.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._writers.add(writer)
        try:
            if not self._gateway.faults.refusing:
                await self._serve(reader, writer)
        except (ConnectionError, ConnectionCut):
            pass
        except WireError as error:
            log.warning("client dropped: %s", error)
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        faults = self._gateway.faults
        session = ClientSession(self._gateway, writer)
        inlet = Inlet(reader, faults, lambda: session.client_id, session.cut)
        faults.connections.add(session)
        try:
            if faults.accept_delay:
                faults.struck("slow_accept", f"{faults.accept_delay:g} s")
                await self._pause(faults.accept_delay)
            if await self._greet(session, inlet):
                await self._converse(session, inlet)
        finally:
            faults.connections.discard(session)
            session.close()
            session.outlet.close()
            await self._leave(session)

    async def _greet(self, session: ClientSession, inlet: Inlet) -> bool:
        """Agree on a version; False when the client hangs up first."""
        try:
            version = await asyncio.wait_for(read_hello(inlet), HELLO_TIMEOUT_SECONDS)
        except TimeoutError:
            raise WireError("no greeting") from None
        if version is None:
            return False
        session.version = version
        now = self._gateway.clock.now().astimezone(NEW_YORK)
        session.writer.write(frame([version, f"{now:%Y%m%d %H:%M:%S} EST"]))
        return True

    async def _converse(self, session: ClientSession, inlet: Inlet) -> None:
        async with contextlib.aclosing(self._arrivals(session, inlet)) as arrivals:
            async for fields in arrivals:
                if session.deaf:
                    continue
                self._handle(session, fields)
                if session.writer.is_closing():
                    return
                await session.writer.drain()

    async def _arrivals(
        self, session: ClientSession, inlet: Inlet
    ) -> AsyncGenerator[list[str], None]:
        """Frames in their order, each when its delay is over; those behind it travel meanwhile."""
        under_way: deque[tuple[float, list[str]]] = deque()
        reading: asyncio.Task[list[str] | None] | None = None
        hung_up = False
        try:
            while not self._stopping.is_set() and not (hung_up and not under_way):
                if hung_up:
                    await self._pause(under_way[0][0] - time.monotonic())
                elif under_way:
                    reading = reading or asyncio.create_task(self._next_frame(session, inlet))
                    await asyncio.wait({reading}, timeout=under_way[0][0] - time.monotonic())
                if not hung_up and (reading is None or reading.done() or not under_way):
                    fields = await (reading or self._next_frame(session, inlet))
                    reading, hung_up = None, fields is None
                    if fields is not None:
                        due = time.monotonic() + self._delay(session, fields)
                        under_way.append((max(due, under_way[-1][0] if under_way else due), fields))
                while under_way and under_way[0][0] <= time.monotonic():
                    yield under_way.popleft()[1]
        finally:
            if reading is not None:
                reading.cancel()

    async def _next_frame(self, session: ClientSession, inlet: Inlet) -> list[str] | None:
        try:
            return await read_frame(inlet)
        except WireError:
            # Where the next frame would begin is not known any more: the connection ends.
            session.error(-1, 507, "Bad message length")
            raise

    def _delay(self, session: ClientSession, fields: list[str]) -> float:
        """Seconds by which the faults in force hold up a message that has been read."""
        faults = self._gateway.faults
        if not faults.pace.delays:
            return 0.0
        message_id = int(fields[0]) if fields and fields[0].isdecimal() else 0
        seconds = faults.pace.wait(Direction.RECEIVED, message_id)
        if seconds:
            faults.struck_once(session, "delay", f"received message {message_id}")
        return seconds

    async def _leave(self, session: ClientSession) -> None:
        """Free the client id, at once or when the gateway would notice."""
        sessions, client_id = self._gateway.sessions, session.client_id
        if client_id is None or sessions.get(client_id) is not session:
            return
        await self._pause(session.lingers)
        del sessions[client_id]
        log.info("client %s disconnected", client_id)

    async def _pause(self, seconds: float) -> None:
        """Wait as a fault demands, but not beyond the end of this server."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def _handle(self, session: ClientSession, fields: list[str]) -> None:
        """Process one message; whatever is wrong with it becomes an error message."""
        try:
            message_id = int(fields[0]) if fields else 0
        except ValueError:
            session.error(-1, 320, "Error reading request. Message id unable to parse.")
            return
        faults = self._gateway.faults
        faults.message_received(session, message_id)
        if faults.silences(message_id):
            session.silence()
        limit = self._gateway.messages_per_second
        if session.allowance.exceeded(limit):
            text = f"Max rate of messages per second has been exceeded: max={limit} rec={limit + 1}"
            session.error(-1, 100, text)
        try:
            self._dispatch(session, message_id, Fields(fields[1:]))
        except WireError as error:
            request_id = request_id_of(message_id, fields)
            session.error(request_id, 320, f"Error reading request. {error}")
        except Exception:
            log.exception("message %s failed", message_id)
            session.error(request_id_of(message_id, fields), 322, "Error processing request.")
        faults.message_processed(session, message_id)

    def _dispatch(self, session: ClientSession, message_id: int, fields: Fields) -> None:
        if self._gateway.faults.line.swallows(message_id):
            return
        if message_id == START_API:
            self._start_api(session, fields)
            return
        if session.client_id is None:
            session.error(-1, 504, "Not connected")
            return
        handler = HANDLERS.get(message_id)
        if handler is None:
            session.error(-1, 505, f"Fatal Error: Unknown message id. {message_id}")
            return
        handler(session, fields)

    def _start_api(self, session: ClientSession, fields: Fields) -> None:
        fields.skip()
        client_id = fields.int()
        gateway = self._gateway
        if session.client_id is not None:
            session.error(-1, 502, "The API has already been started")
            return
        if client_id in gateway.sessions or gateway.faults.clashes(client_id):
            text = "Unable to connect as the client id is already in use."
            session.error(-1, 326, f"{text} Retry with a unique client id.")
            session.writer.close()
            return
        session.client_id = client_id
        gateway.sessions[client_id] = session
        log.info("client %s connected, version %s", client_id, session.version)
        next_id = gateway.exchange.ledger.next_order_id()
        session.send(
            [
                messages.managed_accounts(gateway.exchange.accounts),
                messages.next_valid_id(next_id),
                *gateway.faults.line.greeting(),
            ]
        )
