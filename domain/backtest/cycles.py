"""Wheel cycles of a backtest, folded from its fills and events as the live record's are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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


class Cycles(Mapping[str, WheelCycle]):
    """The open cycle of each underlying, folded when it is asked for: few strategies do."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self._entries: dict[str, list[CycleEntry]] = {}
        self._folded: dict[str, WheelCycle] = {}
        self._changed: set[str] = set()
        self._fills = self._events = 0

    def __getitem__(self, symbol: str) -> WheelCycle:
        self._take()
        if symbol in self._changed:
            self._changed.discard(symbol)
            self._fold(symbol)
        return self._folded[symbol]

    def __iter__(self) -> Iterator[str]:
        self._take()
        return (symbol for symbol in self._entries if symbol in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _take(self) -> None:
        """What has happened since it was last looked."""
        book = self._book
        fills, events = book.fills[self._fills :], book.events[self._events :]
        self._fills, self._events = len(book.fills), len(book.events)
        for symbol, entry in (*map(_of_fill, fills), *filter(None, map(_of_event, events))):
            self._entries.setdefault(symbol, []).append(entry)
            self._changed.add(symbol)

    def _fold(self, symbol: str) -> None:
        cycle = open_cycle(fold_cycles(symbol, self._entries[symbol]))
        if cycle is None:
            self._folded.pop(symbol, None)
            # A cycle that is over says nothing of the next.
            self._entries[symbol].clear()
        else:
            self._folded[symbol] = cycle


def _of_fill(fill: Fill) -> tuple[str, CycleEntry]:
    return fill.symbol, CycleEntry(
        at=fill.at,
        kind=CycleEntryKind.TRADE,
        sec_type=SecType.OPTION if fill.con_id else SecType.STOCK,
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
