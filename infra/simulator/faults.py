"""Failures a real gateway produces, on demand.

Sessions consult the hook at three moments: a message has arrived, it has been processed, and a
callback is about to be sent. Everything else about a fault is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class Connection(Protocol):
    """What a fault can do to a client's connection."""

    def cut(self) -> None:
        """Drop the TCP connection without a word; nothing queued is sent any more."""

    def flush_held(self) -> None:
        """Send the callbacks that were held back."""


class ConnectionCut(Exception):
    """Raised to stop processing a message whose connection a fault has just cut."""


@dataclass
class _Drop:
    moment: Moment
    message_id: int
    remaining: int


@dataclass
class Faults:
    """The faults in force on one gateway."""

    refusing: bool = False
    holding: bool = False
    drops: list[_Drop] = field(default_factory=list)
    refusal_listener: Callable[[], None] = lambda: None
    release_listener: Callable[[], None] = lambda: None

    def drop_connection(self, moment: Moment | str, message_id: int, nth: int = 1) -> None:
        """Cut the connection right before or after processing the ``nth`` such message.

        Counting starts now and spans connections. ``before``: the gateway never acts on it.
        ``after``: it has acted, and the client never hears of it.
        """
        if nth < 1:
            raise ValueError(f"nth starts at 1, got {nth}")
        self.drops.append(_Drop(Moment(moment), message_id, nth))

    def hold_callbacks(self) -> None:
        """Keep every message to clients back, in order, until released."""
        self.holding = True

    def release_callbacks(self) -> None:
        self.holding = False
        self.release_listener()

    def refuse_connections(self, refuse: bool = True) -> None:
        """Close new connections at once, and cut the present ones."""
        self.refusing = refuse
        if refuse:
            self.refusal_listener()

    def message_received(self, connection: Connection, message_id: int) -> None:
        self._count(Moment.BEFORE, connection, message_id)

    def silences(self, message_id: int) -> bool:
        """Whether the answers to the message now being processed will never be sent."""
        return any(
            drop.moment is Moment.AFTER and drop.message_id == message_id and drop.remaining == 1
            for drop in self.drops
        )

    def message_processed(self, connection: Connection, message_id: int) -> None:
        self._count(Moment.AFTER, connection, message_id)

    def callback_held(self, connection: Connection) -> bool:
        """Whether a callback about to be sent has to wait."""
        return self.holding

    def _count(self, moment: Moment, connection: Connection, message_id: int) -> None:
        due = False
        for drop in [d for d in self.drops if d.moment is moment and d.message_id == message_id]:
            drop.remaining -= 1
            if drop.remaining == 0:
                self.drops.remove(drop)
                due = True
        if due:
            connection.cut()
            raise ConnectionCut(f"{moment} message {message_id}")
