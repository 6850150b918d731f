"""Wheel cycles of a backtest, folded from its fills and events as the live record's are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from domain.backtest.book import Book
from domain.backtest.results import Event, EventKind, Fill
from domain.instruments import SecType
from domain.strategies.wheel_cycle import (
    CycleEntry,
    CycleEntryKind,
    WheelCycle,
    fold_cycles,
    open_cycle,
)

_GONE = frozenset(
    {
        EventKind.EXPIRED,
        EventKind.SETTLED,
        EventKind.ASSIGNED,
        EventKind.ASSIGNED_EARLY,
        EventKind.EXERCISED,
    }
)


@dataclass(slots=True)
class Cycles:
    """The open cycle of each underlying; one is folded again only when something was added."""

    entries: defaultdict[str, list[CycleEntry]] = field(
        default_factory=lambda: defaultdict[str, list[CycleEntry]](list)
    )
    folded: dict[str, WheelCycle] = field(default_factory=dict[str, WheelCycle])
    _fills: int = 0
    _events: int = 0

    def open(self, book: Book) -> dict[str, WheelCycle]:
        """The cycle under way on each underlying that has one."""
        fills, events = book.fills[self._fills :], book.events[self._events :]
        self._fills, self._events = len(book.fills), len(book.events)
        self._fold([*map(_of_fill, fills), *filter(None, map(_of_event, events))])
        return self.folded

    def _fold(self, added: Collection[tuple[str, CycleEntry]]) -> None:
        for symbol, entry in added:
            self.entries[symbol].append(entry)
        for symbol in {symbol for symbol, _ in added}:
            cycle = open_cycle(fold_cycles(symbol, self.entries[symbol]))
            if cycle is None:
                self.folded.pop(symbol, None)
                # A cycle that is over says nothing of the next, but for a dividend paid late.
                self.entries[symbol].clear()
            else:
                self.folded[symbol] = cycle


def _of_fill(fill: Fill) -> tuple[str, CycleEntry]:
    return fill.symbol, CycleEntry(
        at=fill.at,
        kind=CycleEntryKind.TRADE,
        sec_type=SecType.OPTION,
        con_id=fill.con_id,
        quantity=fill.side.sign * fill.quantity,
        cash=fill.cash,
    )


def _of_event(event: Event) -> tuple[str, CycleEntry] | None:
    is_option = event.con_id != 0
    match event.kind:
        case kind if kind in _GONE:
            entry = CycleEntryKind.GONE if is_option else CycleEntryKind.DELIVERY
        case EventKind.SPLIT:
            entry = CycleEntryKind.CORRECTION if is_option else CycleEntryKind.SPLIT
        case EventKind.DIVIDEND:
            entry = CycleEntryKind.DIVIDEND
        case _:
            return None
    return event.symbol, CycleEntry(
        at=event.at,
        kind=entry,
        sec_type=SecType.OPTION if is_option else SecType.STOCK,
        con_id=event.con_id,
        quantity=event.quantity,
        cash=event.cash,
    )
