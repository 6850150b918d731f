"""Faults in what clients are told: callbacks doubled, lost, late, shuffled, or out of date.

They strike live callbacks only. Answers to requests keep their content and order: a list that
ends with its end marker is complete, as TWS guarantees.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from infra.simulator.messages import Message

EXECUTION_DETAILS, OPEN_ORDER, ORDER_STATUS, COMMISSION_REPORT = 11, 5, 3, 59
ORDER_CALLBACKS = frozenset({OPEN_ORDER, ORDER_STATUS, EXECUTION_DETAILS, COMMISSION_REPORT})
_STATUS, _PERM_ID = 2, 6  # places in an orderStatus row


class Receiver(Protocol):
    """A client's connection, as far as shaping is concerned."""

    def send(self, rows: Sequence[Message]) -> None: ...


Note = Callable[[str, str], None]
"""Records that a fault struck: kind and detail."""


@dataclass
class Aim:
    """Which live callbacks a fault strikes: all of some messages, a share, the nth, the first."""

    messages: frozenset[int] = ORDER_CALLBACKS
    rate: float = 1.0
    nth: int | None = None
    times: int | None = None
    """At most so many strikes; None: no limit."""
    _seen: int = 0
    _struck: int = 0

    def strikes(self, row: Message, rng: np.random.Generator) -> bool:
        if row[0] not in self.messages or (self.times is not None and self._struck >= self.times):
            return False
        self._seen += 1
        if self.nth is not None and self._seen != self.nth:
            return False
        if self.rate < 1.0 and rng.random() >= self.rate:
            return False
        self._struck += 1
        return True


class Shaper(Protocol):
    """Turns the rows of one event into those that are sent now."""

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]: ...

    def release(self) -> None:
        """Send whatever is kept back: the fault is over."""


@dataclass
class Duplicate:
    """Tells a callback twice, the second time ``after_seconds`` later."""

    aim: Aim
    after_seconds: float = 0.0

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]:
        out: list[Message] = []
        for row in rows:
            out.append(row)
            if not self.aim.strikes(row, rng):
                continue
            note("duplicate", f"message {row[0]}")
            if self.after_seconds:
                _send_later(receiver, row, self.after_seconds)
            else:
                out.append(row)
        return out

    def release(self) -> None:
        """Nothing is kept back."""


@dataclass
class Drop:
    """Never tells a callback."""

    aim: Aim

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]:
        out: list[Message] = []
        for row in rows:
            if self.aim.strikes(row, rng):
                note("drop", f"message {row[0]}")
            else:
                out.append(row)
        return out

    def release(self) -> None:
        """Nothing is kept back."""


@dataclass
class Late:
    """Tells a callback ``seconds`` late while everything else passes it."""

    aim: Aim
    seconds: float

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]:
        out: list[Message] = []
        for row in rows:
            if self.aim.strikes(row, rng):
                note("late", f"message {row[0]} by {self.seconds:g} s")
                _send_later(receiver, row, self.seconds)
            else:
                out.append(row)
        return out

    def release(self) -> None:
        """What is late stays late; it is on its way."""


@dataclass
class Overtake:
    """Within one event, tells ``early`` messages before the first ``late`` one."""

    early: int
    late: int

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]:
        ids = [row[0] for row in rows]
        if self.late not in ids or self.early not in ids[ids.index(self.late) :]:
            return rows
        note("overtake", f"message {self.early} before {self.late}")
        at = ids.index(self.late)
        hasty = [row for row in rows[at:] if row[0] == self.early]
        return [*rows[:at], *hasty, *(row for row in rows[at:] if row[0] != self.early)]

    def release(self) -> None:
        """Nothing is kept back."""


@dataclass
class Regress:
    """After a new orderStatus, tells the order's former one again: Filled, then Submitted."""

    aim: Aim
    _last: dict[tuple[int, object], Message] = field(default_factory=dict)

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]:
        out: list[Message] = []
        for row in rows:
            out.append(row)
            if row[0] != ORDER_STATUS:
                continue
            key = (id(receiver), row[_PERM_ID])
            former = self._last.get(key)
            self._last[key] = row
            changed = former is not None and former[2:5] != row[2:5]
            if former is not None and changed and self.aim.strikes(row, rng):
                note("regress", f"{row[_STATUS]}, then {former[_STATUS]} again")
                out.append(former)
        return out

    def release(self) -> None:
        """Nothing is kept back."""


@dataclass
class Reorder:
    """Shuffles aimed-at callbacks within a window of so many messages or seconds."""

    aim: Aim
    window: int
    seconds: float
    _waiting: dict[Receiver, list[Message]] = field(default_factory=dict)
    _timers: dict[Receiver, asyncio.TimerHandle] = field(default_factory=dict)
    _shuffle: Callable[[list[Message]], list[Message]] = field(default=list, repr=False)

    def shape(
        self, receiver: Receiver, rows: list[Message], rng: np.random.Generator, note: Note
    ) -> list[Message]:
        def shuffled(waiting: list[Message]) -> list[Message]:
            order = [int(i) for i in rng.permutation(len(waiting))]
            if order != sorted(order):
                note("reorder", " ".join(str(waiting[i][0]) for i in order))
            return [waiting[i] for i in order]

        self._shuffle = shuffled
        out: list[Message] = []
        for row in rows:
            if not self.aim.strikes(row, rng):
                out.append(row)
                continue
            waiting = self._waiting.setdefault(receiver, [])
            waiting.append(row)
            if len(waiting) >= self.window:
                out += self._take(receiver)
            elif receiver not in self._timers:
                loop = asyncio.get_running_loop()
                self._timers[receiver] = loop.call_later(self.seconds, self._flush, receiver)
        return out

    def release(self) -> None:
        for receiver in list(self._waiting):
            self._flush(receiver)

    def _take(self, receiver: Receiver) -> list[Message]:
        timer = self._timers.pop(receiver, None)
        if timer is not None:
            timer.cancel()
        return self._shuffle(self._waiting.pop(receiver, []))

    def _flush(self, receiver: Receiver) -> None:
        receiver.send(self._take(receiver))


def _send_later(receiver: Receiver, row: Message, seconds: float) -> None:
    asyncio.get_running_loop().call_later(seconds, receiver.send, [row])
