"""When a fault strikes: at the nth message of a type, at the nth execution."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from infra.simulator.events import ExchangeEvent, OrderFilled
from infra.simulator.records import ExecutionRecord


class Moment(StrEnum):
    BEFORE = "before"
    AFTER = "after"


@dataclass
class _Watch:
    moment: Moment
    message_id: int
    remaining: int
    action: Callable[[], object] | None
    """None: the connection is cut."""


@dataclass
class Triggers:
    """What waits for its moment."""

    _watches: list[_Watch] = field(default_factory=list)
    _execution_watches: list[tuple[int, Callable[[ExecutionRecord], object]]] = field(
        default_factory=list
    )
    _executions_seen: int = 0

    def on_message(
        self,
        moment: Moment | str,
        message_id: int,
        nth: int,
        action: Callable[[], object] | None,
    ) -> None:
        """Right before or after processing the nth such message; no action: cut there."""
        if nth < 1:
            raise ValueError(f"nth starts at 1, got {nth}")
        self._watches.append(_Watch(Moment(moment), message_id, nth, action))

    def on_execution(self, nth: int, action: Callable[[ExecutionRecord], object]) -> None:
        if nth < 1:
            raise ValueError(f"nth starts at 1, got {nth}")
        self._execution_watches.append((self._executions_seen + nth, action))

    def clear(self) -> None:
        self._watches.clear()
        self._execution_watches.clear()

    def silences(self, message_id: int) -> bool:
        """Whether the connection will be cut right after processing the present message."""
        due = (Moment.AFTER, message_id, 1)
        return any(
            w.action is None and (w.moment, w.message_id, w.remaining) == due for w in self._watches
        )

    def cuts_at(self, moment: Moment, message_id: int) -> bool:
        """Count one message and run what is due; whether the connection is to be cut."""
        cut = False
        for watch in [w for w in self._watches if (w.moment, w.message_id) == (moment, message_id)]:
            watch.remaining -= 1
            if watch.remaining:
                continue
            self._watches.remove(watch)
            if watch.action is None:
                cut = True
            else:
                watch.action()
        return cut

    def on_event(self, event: ExchangeEvent) -> None:
        """Count executions, and run what is due once everybody has been told of them."""
        if not isinstance(event, OrderFilled):
            return
        for execution in event.executions:
            self._executions_seen += 1
            for watch in [w for w in self._execution_watches if w[0] <= self._executions_seen]:
                self._execution_watches.remove(watch)
                asyncio.get_running_loop().call_soon(watch[1], execution)
