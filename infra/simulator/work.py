"""Slow answers of one client, computed beside the messages that follow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Hashable

log = logging.getLogger(__name__)


class BackgroundWork:
    """At most one piece of work per key; nothing outlives its connection."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[None]] = {}

    def start(self, key: Hashable, work: Coroutine[None, None, None]) -> None:
        """Begin; earlier work of the same key is given up."""
        self.cancel(key)
        self._tasks[key] = asyncio.create_task(self._run(key, work))

    def cancel(self, key: Hashable) -> bool:
        """Whether there was such work still under way."""
        task = self._tasks.pop(key, None)
        return task is not None and task.cancel()

    def cancel_all(self) -> None:
        for key in list(self._tasks):
            self.cancel(key)

    async def _run(self, key: Hashable, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception:
            log.exception("the work %s failed", key)
        finally:
            if self._tasks.get(key) is asyncio.current_task():
                del self._tasks[key]
