"""Which underlyings move as one for margin, how far, and which follow the benchmark itself.

Portfolio margin looks at a *product group*: an index with its options, its smaller contracts and
the funds that track it. Ranges: Cboe Rule 10.4 (customer portfolio margin) and OCC's theoretical
profit-and-loss groups: high-capitalisation broad indexes −8/+6 %, other broad indexes ±10 %,
everything else ±15 %.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class PriceRange(NamedTuple):
    """Relative moves of the underlying: -0.15 is a fall of 15 %."""

    down: float
    up: float


class ProductKind(StrEnum):
    HIGH_CAP_INDEX = "HIGH_CAP_INDEX"
    BROAD_INDEX = "BROAD_INDEX"
    EQUITY = "EQUITY"


RANGES = {
    ProductKind.HIGH_CAP_INDEX: PriceRange(-0.08, 0.06),
    ProductKind.BROAD_INDEX: PriceRange(-0.10, 0.10),
    ProductKind.EQUITY: PriceRange(-0.15, 0.15),
}


class ProductGroup(NamedTuple):
    name: str
    kind: ProductKind


_GROUPS = {
    ProductGroup("S&P 500", ProductKind.HIGH_CAP_INDEX): ("SPX", "XSP", "SPY", "IVV", "VOO"),
    ProductGroup("S&P 100", ProductKind.HIGH_CAP_INDEX): ("OEX", "XEO", "OEF"),
    ProductGroup("Nasdaq 100", ProductKind.HIGH_CAP_INDEX): ("NDX", "XND", "QQQ", "QQQM"),
    ProductGroup("Dow Jones", ProductKind.HIGH_CAP_INDEX): ("DJX", "DIA"),
    ProductGroup("Russell 2000", ProductKind.BROAD_INDEX): ("RUT", "MRUT", "IWM"),
}
_GROUP_OF = {symbol: group for group, symbols in _GROUPS.items() for symbol in symbols}

# What beta is measured against: these have a beta of one by definition.
BENCHMARK_SYMBOLS = frozenset({"SPX", "XSP", "SPY", "IVV", "VOO"})


def product_group(symbol: str) -> ProductGroup:
    """The group of an underlying; a name by itself where it belongs to no broad index."""
    return _GROUP_OF.get(symbol) or ProductGroup(symbol, ProductKind.EQUITY)


def is_broad_index(symbol: str) -> bool:
    """Whether an index is known to be broad-based: strategy-based margin asks less of it."""
    return product_group(symbol).kind is not ProductKind.EQUITY
