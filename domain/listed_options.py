"""What is known of listed options from the symbol they are on, where nobody tells it."""

from __future__ import annotations

from decimal import Decimal

from domain.instruments import PriceBand, PriceIncrements

CASH_SETTLED = frozenset({"SPX", "XSP", "NDX", "RUT", "DJX", "VIX"})
"""Indexes: European options, settled in cash. Options on anything else deliver shares."""
QUOTED_IN_CENTS = frozenset({"SPY", "QQQ", "IWM", "XSP"})
"""At every price (Cboe, the penny interval programme)."""


def price_steps(symbol: str) -> PriceIncrements:
    """The price steps options on ``symbol`` are quoted in (Cboe: index options in nickels and
    dimes about 3, the penny interval programme elsewhere)."""
    if symbol in QUOTED_IN_CENTS:
        return PriceIncrements.flat(Decimal("0.01"))
    below, above = ("0.05", "0.10") if symbol in CASH_SETTLED else ("0.01", "0.05")
    bands = {0: below, 3: above}
    return PriceIncrements(
        bands=tuple(
            PriceBand(low_edge=Decimal(edge), increment=Decimal(step))
            for edge, step in bands.items()
        )
    )
