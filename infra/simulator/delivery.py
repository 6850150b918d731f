"""The bytes to and from one client, and what can go wrong with them.

``Inlet`` reads what a client sends, ``Outlet`` writes what it is told. Without faults both are
transparent. A ``Pace`` delays messages (their order is kept), cuts frames into small writes or
gathers them into large ones; a ``ByteLimit`` ends the connection at an exact byte.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import numpy as np

from infra.simulator.messages import Message
from infra.simulator.wire import frame

MAX_BACKLOG_BYTES = 64 << 20
"""A client that lets more than this pile up unread is cut off."""


class Direction(StrEnum):
    """As the gateway sees it."""

    RECEIVED = "received"
    SENT = "sent"


class ConnectionCut(Exception):
    """Raised to stop serving a connection which a fault has just cut."""


@dataclass(frozen=True)
class Delay:
    """Messages wait ``seconds`` plus a uniform share of ``jitter``; None: all messages."""

    direction: Direction
    seconds: float
    jitter: float = 0.0
    messages: frozenset[int] | None = None

    def strikes(self, direction: Direction, message_id: int) -> bool:
        wanted = self.messages is None or message_id in self.messages
        return wanted and direction is self.direction


@dataclass
class Pace:
    """How fast and in what pieces bytes travel; all connections share one."""

    rng: np.random.Generator
    delays: list[Delay] = field(default_factory=list)
    largest_piece: int = 0
    """Frames are cut into writes of 1 to so many bytes; 0: not cut."""
    gather_seconds: float = 0.0
    """Messages wait for the end of a window of this length and leave together."""

    @property
    def shapes_output(self) -> bool:
        sent = any(delay.direction is Direction.SENT for delay in self.delays)
        return sent or self.largest_piece > 0 or self.gather_seconds > 0

    def wait(self, direction: Direction, message_id: int) -> float:
        """Seconds this message waits."""
        return sum(
            delay.seconds + (delay.jitter * float(self.rng.random()) if delay.jitter else 0.0)
            for delay in self.delays
            if delay.strikes(direction, message_id)
        )

    def pieces(self, data: bytes) -> list[bytes]:
        if not self.largest_piece:
            return [data]
        pieces = []
        while data:
            size = int(self.rng.integers(1, self.largest_piece + 1))
            pieces.append(data[:size])
            data = data[size:]
        return pieces


@dataclass
class ByteLimit:
    """The connection ends after so many more bytes in one direction."""

    direction: Direction
    left: int
    client_id: int | None = None
    """None: whichever connection passes the bytes."""

    def concerns(self, direction: Direction, client_id: int | None) -> bool:
        return direction is self.direction and self.client_id in {None, client_id}


class FaultSource(Protocol):
    """What the two ends of a connection ask of the faults in force."""

    pace: Pace
    holding: bool

    def byte_limit(self, direction: Direction, client_id: int | None) -> ByteLimit | None: ...

    def limit_reached(self, limit: ByteLimit, client_id: int | None) -> None: ...

    def struck_once(self, key: object, kind: str, detail: str) -> None: ...


class Inlet:
    """Reads from a client exactly as many bytes as the faults in force let through."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        faults: FaultSource,
        client_id: Callable[[], int | None],
        cut: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._faults = faults
        self._client_id = client_id
        self._cut = cut

    async def readexactly(self, count: int) -> bytes:
        """Like ``StreamReader.readexactly``; raises ConnectionCut at the byte of a limit."""
        data = b""
        while len(data) < count:
            limit = self._faults.byte_limit(Direction.RECEIVED, self._client_id())
            if limit is not None and limit.left <= 0:
                self._end(limit)
            wanted = count - len(data)
            if limit is not None:
                wanted = min(wanted, limit.left)
            part = await self._reader.readexactly(wanted)
            data += part
            # The limit may have been set while this read was waiting.
            limit = self._faults.byte_limit(Direction.RECEIVED, self._client_id())
            if limit is not None:
                limit.left -= len(part)
                if limit.left < 0:
                    self._end(limit)
        return data

    def _end(self, limit: ByteLimit) -> None:
        self._faults.limit_reached(limit, self._client_id())
        self._cut()
        raise ConnectionCut("the limit of received bytes")


class Outlet:
    """Writes to a client: at once, or at the pace of the faults in force. Never blocks."""

    def __init__(
        self,
        writer: asyncio.StreamWriter,
        faults: FaultSource,
        client_id: Callable[[], int | None],
    ) -> None:
        self._writer = writer
        self._faults = faults
        self._client_id = client_id
        self.silenced = False
        """Nothing is sent any more: the connection is about to end, or half-open."""
        self._held: list[bytes] = []
        self._queue: deque[tuple[float, bytes]] = deque()
        self._queued_bytes = 0
        self._pump: asyncio.Task[None] | None = None

    def send(self, rows: Iterable[Message]) -> None:
        if self.silenced or self._writer.is_closing():
            return
        if self._faults.holding:
            self._held += map(frame, rows)
        elif self._queue or self._faults.pace.shapes_output:
            for row in rows:
                self._enqueue(int(str(row[0])), frame(row))
        else:
            self._write(b"".join(map(frame, rows)))

    def flush_held(self) -> None:
        held, self._held = self._held, []
        if held and not self.silenced and not self._writer.is_closing():
            self._write(b"".join(held))

    def close(self) -> None:
        if self._pump is not None:
            self._pump.cancel()

    @property
    def backlog(self) -> int:
        """Bytes that the client has not taken yet."""
        return self._writer.transport.get_write_buffer_size() + self._queued_bytes

    def _enqueue(self, message_id: int, data: bytes) -> None:
        pace = self._faults.pace
        now = time.monotonic()
        due = now + pace.wait(Direction.SENT, message_id)
        if due > now:
            self._faults.struck_once(self, "delay", f"message {message_id}")
        if pace.gather_seconds:
            due = (due // pace.gather_seconds + 1) * pace.gather_seconds
        if self._queue:
            due = max(due, self._queue[-1][0])
        self._queue.extend((due, piece) for piece in pace.pieces(data))
        self._queued_bytes += len(data)
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._run(), name="outlet")

    async def _run(self) -> None:
        while self._queue:
            await asyncio.sleep(max(self._queue[0][0] - time.monotonic(), 0.0))
            pace = self._faults.pace
            if pace.largest_piece:
                # One piece for each turn of the loop: the client sees a frame in parts.
                self._faults.struck_once(self, "slice", f"{pace.largest_piece} bytes at most")
                self._write(self._next())
                continue
            if pace.gather_seconds:
                self._faults.struck_once(self, "coalesce", f"{pace.gather_seconds:g} s")
            now, data = time.monotonic(), b""
            while self._queue and self._queue[0][0] <= now:
                data += self._next()
            self._write(data)

    def _next(self) -> bytes:
        _, data = self._queue.popleft()
        self._queued_bytes -= len(data)
        return data

    def _write(self, data: bytes) -> None:
        if self.silenced or self._writer.is_closing() or not data:
            return
        limit = self._faults.byte_limit(Direction.SENT, self._client_id())
        if limit is None or limit.left > len(data):
            if limit is not None:
                limit.left -= len(data)
            self._writer.write(data)
            if self.backlog > MAX_BACKLOG_BYTES:
                self._writer.transport.abort()
            return
        self._writer.write(data[: limit.left])
        self._faults.limit_reached(limit, self._client_id())
        self.silenced = True
        # Not aborted: what was sent before the limit still arrives.
        self._writer.close()
