"""Fractions that are told only where they mean something."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

RATIO_PLACES = Decimal("1e-6")


def ratio(numerator: Decimal, denominator: Decimal) -> Decimal | None:
    """``numerator / denominator`` to six places; None unless the denominator is positive.

    None, too, where the result has more digits than a Decimal keeps.
    """
    if denominator <= 0:
        return None
    try:
        return (numerator / denominator).quantize(RATIO_PLACES)
    except InvalidOperation:
        return None
