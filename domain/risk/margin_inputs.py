"""A valued book in the terms of strategy-based margin."""

from __future__ import annotations

from domain.instruments import Settlement
from domain.risk.margin_strategies import MarginLeg
from domain.risk.valuation import Book


def margin_legs(book: Book) -> tuple[MarginLeg, ...]:
    """One leg per position, in their order; an unknown price stays nan."""
    rows = zip(book.positions, book.mark.tolist(), book.spot.tolist(), strict=True)
    return tuple(
        MarginLeg(
            symbol=position.symbol,
            quantity=float(position.quantity),
            mark=mark,
            spot=spot,
            multiplier=float(position.multiplier),
            is_index=position.settlement is Settlement.CASH,
        )
        if (option := position.option) is None
        else MarginLeg(
            symbol=position.symbol,
            quantity=float(position.quantity),
            mark=mark,
            spot=spot,
            right=option.right,
            strike=float(option.strike),
            expiry=option.expiry,
            multiplier=float(position.multiplier),
            is_index=position.settlement is Settlement.CASH,
            is_standard=not option.is_adjusted,
        )
        for position, mark, spot in rows
    )
