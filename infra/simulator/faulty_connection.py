"""The part of a client's connection that faults strike at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from infra.simulator.messages import Message


class Connection(Protocol):
    """What a fault can do to a client's connection."""

    client_id: int | None
    deaf: bool
    lingers: float

    def send(self, rows: Iterable[Message]) -> None: ...

    def cut(self) -> None:
        """Drop the TCP connection without a word; nothing queued is sent any more."""

    def hang_up(self) -> None:
        """Close the connection once everything written has been sent."""

    def silence(self) -> None:
        """Send nothing any more, and leave the connection open."""

    def flush_held(self) -> None:
        """Send the callbacks that were held back."""

    def forget_subscriptions(self) -> None: ...
