"""Readings that many wait for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class SharedReading(Generic[T]):
    """Reads one at a time; whoever asks while it reads shares the next reading with all others.

    TWS's answers to some requests carry no id to tell two of them apart. What is shared was begun
    after each of its askers asked, so it is as fresh as a reading of one's own; and however many
    ask, on a slow line nobody waits for more than two.
    """

    def __init__(
        self, read: Callable[[], Awaitable[T]], name: str, turn: asyncio.Lock | None = None
    ) -> None:
        """``turn`` is held while reading; given, where other requests must not overlap either."""
        self._read = read
        self._name = name
        self._turn = turn or asyncio.Lock()
        self._next: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """Raises whatever the reading raises."""
        if self._next is None:
            self._next = asyncio.create_task(self._read_in_turn(), name=self._name)
            self._next.add_done_callback(_look_at)
        # One asker's cancellation must not take the reading from the others.
        return await asyncio.shield(self._next)

    async def _read_in_turn(self) -> T:
        async with self._turn:
            self._next = None
            return await self._read()


def _look_at(reading: asyncio.Task[T]) -> None:
    """Nobody may be left to hear of a failure; asyncio complains of one that is never looked at."""
    if not reading.cancelled():
        reading.exception()
