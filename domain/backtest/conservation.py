"""Whether an account still adds up: cash and positions against the record of what changed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from domain.backtest.book import ZERO, Book


def conserved(book: Book, opening_cash: Decimal) -> Sequence[str]:
    """What does not add up, in words; empty where everything does."""
    problems: list[str] = []
    booked = sum((each.cash for each in (*book.fills, *book.events)), opening_cash)
    if booked != book.cash:
        problems.append(f"cash is {book.cash}, the record adds up to {booked}")
    moved: dict[tuple[str, int], Decimal] = {}
    for fill in book.fills:
        name = (fill.symbol, fill.con_id)
        moved[name] = moved.get(name, ZERO) + fill.side.sign * fill.quantity
    for event in book.events:
        name = (event.symbol, event.con_id)
        moved[name] = moved.get(name, ZERO) + event.quantity
    held = _quantities(book)
    problems += [
        f"{symbol} {con_id}: held {held.get((symbol, con_id), ZERO)}, recorded {quantity}"
        for (symbol, con_id), quantity in moved.items()
        if held.get((symbol, con_id), ZERO) != quantity
    ]
    return problems


def _quantities(book: Book) -> Mapping[tuple[str, int], Decimal]:
    held = book.holdings.values()
    return {(each.instrument.symbol, each.instrument.con_id): each.quantity for each in held}
