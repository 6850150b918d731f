"""One client's connection: its identity, its subscriptions, and the bytes to and from it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.simulator import messages
from infra.simulator.messages import Message
from infra.simulator.subscriptions import LIVE, MarketDataLine
from infra.simulator.wire import frame

if TYPE_CHECKING:
    from infra.simulator.gateway import Gateway

MAX_BACKLOG_BYTES = 64 << 20
"""A client that lets more than this pile up unread is cut off."""


@dataclass(eq=False)
class ClientSession:
    """What the gateway knows of one connected client. Sending never blocks."""

    gateway: Gateway
    writer: asyncio.StreamWriter
    version: int
    client_id: int | None = None
    """None until startApi."""
    data_type: int = LIVE
    lines: dict[int, MarketDataLine] = field(default_factory=dict)
    known_orders: set[int] = field(default_factory=set)
    """permIds this client has been shown an openOrder for."""
    wants_positions: bool = False
    account_updates: str = ""
    account_multi: dict[int, str] = field(default_factory=dict)
    summaries: dict[int, tuple[tuple[str, ...], frozenset[str]]] = field(default_factory=dict)
    pnl: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Profit subscriptions: request id → (account, contract id or 0 for the whole account)."""
    shown_pnl: dict[int, Message] = field(default_factory=dict)
    silenced: bool = False
    """Nothing is sent any more: the connection is about to be cut."""
    _held: list[bytes] = field(default_factory=list)
    _arrivals: deque[float] = field(default_factory=deque)

    def send(self, rows: Iterable[Message]) -> None:
        data = b"".join(map(frame, rows))
        if not data or self.silenced or self.writer.is_closing():
            return
        if self.gateway.faults.callback_held(self):
            self._held.append(data)
            return
        self.writer.write(data)
        if self.writer.transport.get_write_buffer_size() > MAX_BACKLOG_BYTES:
            self.cut()

    def reply(self, *fields: object) -> None:
        self.send([list(fields)])  # type: ignore[list-item]

    def error(self, request_id: int, code: int, message: str) -> None:
        self.send([messages.error(request_id, code, message)])

    def flush_held(self) -> None:
        held, self._held = self._held, []
        if held and not self.writer.is_closing():
            self.writer.write(b"".join(held))

    def cut(self) -> None:
        self.silenced = True
        self.writer.transport.abort()

    def exceeds_rate(self, limit: int) -> bool:
        """Count a message; True for the first beyond ``limit`` within a second (0: no limit)."""
        now = time.monotonic()
        while self._arrivals and now - self._arrivals[0] > 1.0:
            self._arrivals.popleft()
        self._arrivals.append(now)
        return limit > 0 and len(self._arrivals) == limit + 1
