"""Portfolio margin in the manner of OCC's TIMS: our estimate, never the broker's own figure.

Each product group is revalued after ten equally spaced moves of its underlyings, volatility
standing still: -8 % to +6 % for high-capitalisation broad indexes, ±10 % for other broad indexes,
±15 % for everything else. A group asks for its largest loss, at least 0.375 times the multiplier
of every option contract (37.50 USD of a standard one); a gain of one group does not make up for
another's loss. Source: Cboe Rule 10.4 and OCC's description of customer portfolio margin.

Not in it: IBKR's add-ons, which it does not publish as formulas (±30 % on the two names that
weigh most, ±5 % on the rest, an exposure fee, liquidity and short-volatility charges), and OCC's
offsets between product groups. The first make IBKR ask for more, the second for less.
"""

from __future__ import annotations

import numpy as np

from domain.instruments import Frozen
from domain.risk.products import RANGES, ProductGroup, ProductKind, product_group
from domain.risk.stress import StressGrid
from domain.risk.valuation import Book, profits

MOVES = 10
LEAST_PER_UNIT = 0.375
# IBKR asks for this multiple of maintenance when a position is opened.
INITIAL_OVER_MAINTENANCE = 1.10


class GroupMargin(Frozen):
    """One product group. ``worst_move`` is where its largest loss lies."""

    group: str
    kind: ProductKind
    largest_loss: float
    worst_move: float
    least: float

    @property
    def requirement(self) -> float:
        return max(self.largest_loss, self.least)


class PortfolioMarginEstimate(Frozen):
    """In the currency of the prices. ``unmargined`` positions are unpriced and in no figure."""

    maintenance: float
    initial: float
    groups: tuple[GroupMargin, ...] = ()
    unmargined: tuple[str, ...] = ()


def estimate_portfolio_margin(book: Book) -> PortfolioMarginEstimate:
    """The estimate for a whole account; never raises."""
    of_position = [product_group(position.symbol) for position in book.positions]
    groups = sorted(set(of_position))
    number = {group: index for index, group in enumerate(groups)}
    index = np.array([number[group] for group in of_position], dtype=np.int64)
    least = np.bincount(
        index,
        np.where(book.is_option & book.is_priced, np.abs(book.units), 0.0) * LEAST_PER_UNIT,
        minlength=len(groups),
    )
    margins: list[GroupMargin] = []
    for kind, reach in RANGES.items():
        if not any(group.kind is kind for group in groups):
            continue
        moves = np.linspace(reach.down, reach.up, MOVES)
        pnl = profits(book, StressGrid(tuple(moves.tolist())), index, len(groups))[:, :, 0]
        margins.extend(
            _margin(group, pnl[number[group]], moves, float(least[number[group]]))
            for group in groups
            if group.kind is kind
        )
    maintenance = sum(margin.requirement for margin in margins)
    return PortfolioMarginEstimate(
        maintenance=maintenance,
        initial=INITIAL_OVER_MAINTENANCE * maintenance,
        groups=tuple(sorted(margins, key=lambda margin: (-margin.requirement, margin.group))),
        unmargined=book.unpriced,
    )


def _margin(group: ProductGroup, pnl: np.ndarray, moves: np.ndarray, least: float) -> GroupMargin:
    worst = int(pnl.argmin())
    return GroupMargin(
        group=group.name,
        kind=group.kind,
        largest_loss=max(-float(pnl[worst]), 0.0),
        worst_move=float(moves[worst]),
        least=least,
    )
