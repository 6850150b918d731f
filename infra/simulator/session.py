"""One client's connection: its identity, its subscriptions, and the bytes to and from it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.simulator import messages
from infra.simulator.delivery import Outlet
from infra.simulator.message_pacing import MessageAllowance
from infra.simulator.messages import Message
from infra.simulator.streams import Stream
from infra.simulator.subscriptions import LIVE, MarketDataLine
from infra.simulator.work import BackgroundWork

if TYPE_CHECKING:
    from infra.simulator.gateway import Gateway


@dataclass(eq=False)
class ClientSession:
    """What the gateway knows of one connected client. Sending never blocks."""

    gateway: Gateway
    writer: asyncio.StreamWriter
    version: int = 0
    """0 until the greeting."""
    client_id: int | None = None
    """None until startApi."""
    data_type: int = LIVE
    lines: dict[int, MarketDataLine] = field(default_factory=dict)
    streams: dict[tuple[str, int], Stream] = field(default_factory=dict)
    """Subscriptions other than lines, by kind and request id."""
    work: BackgroundWork = field(default_factory=BackgroundWork)
    known_orders: set[int] = field(default_factory=set)
    """permIds this client has been shown an openOrder for."""
    wants_positions: bool = False
    account_updates: str = ""
    account_multi: dict[int, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    """Subscriptions by request id → (accounts, model)."""
    positions_multi: dict[int, tuple[tuple[str, ...], str]] = field(default_factory=dict)
    summaries: dict[int, tuple[tuple[str, ...], frozenset[str]]] = field(default_factory=dict)
    pnl: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Profit subscriptions: request id → (account, contract id or 0 for the whole account)."""
    shown_pnl: dict[int, Message] = field(default_factory=dict)
    deaf: bool = False
    """Half-open: what the client sends is read and thrown away."""
    lingers: float = 0.0
    """Seconds for which the client id stays in use after the client has gone."""
    allowance: MessageAllowance = field(default_factory=MessageAllowance)

    def __post_init__(self) -> None:
        self.outlet = Outlet(self.writer, self.gateway.faults, lambda: self.client_id)

    def send(self, rows: Iterable[Message]) -> None:
        """Answer a request: every row, in this order."""
        self.outlet.send(self._versioned(rows))

    def tell(self, rows: Iterable[Message]) -> None:
        """Live callbacks about what happened; faults in force may change them."""
        self.outlet.send(self.gateway.faults.shaped(self, self._versioned(rows)))

    def reply(self, *fields: object) -> None:
        self.send([list(fields)])  # type: ignore[list-item]

    def error(self, request_id: int, code: int, message: str) -> None:
        self.send([messages.error(request_id, code, message)])

    def invalid(self, request_id: int, cause: str) -> None:
        """Refuse a request that is well formed and makes no sense."""
        self.error(request_id, 321, f"Error validating request.-'bN' : cause - {cause}")

    def close(self) -> None:
        """The connection has ended: nothing is computed for it any more."""
        self.work.cancel_all()
        self.forget_subscriptions()

    def flush_held(self) -> None:
        self.outlet.flush_held()

    def silence(self) -> None:
        self.outlet.silenced = True

    def cut(self) -> None:
        self.silence()
        self.writer.transport.abort()

    def hang_up(self) -> None:
        self.silence()
        self.writer.close()

    def forget_subscriptions(self) -> None:
        """Nothing is streamed any more, as after 1101."""
        self.wants_positions = False
        self.account_updates = ""
        for subscriptions in (
            *(self.lines, self.streams, self.account_multi, self.positions_multi),
            *(self.summaries, self.pnl, self.shown_pnl),
        ):
            subscriptions.clear()

    def _versioned(self, rows: Iterable[Message]) -> list[Message]:
        return [messages.for_version(row, self.version) for row in rows]
