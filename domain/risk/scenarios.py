"""What sudden moves would do to an account: a grid of spot and volatility, and its worst places."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from domain.instruments import Frozen
from domain.market import FloatArray
from domain.risk.products import RANGES, product_group
from domain.risk.stress import StressGrid
from domain.risk.valuation import Book, profits

TAIL_MOVE = -0.30
ORDINARY_REACH = 0.15
# The ends of every margin range are among the moves, so that each name can be read at its own.
GRID = StressGrid(
    spot_moves=(
        TAIL_MOVE, -0.20, -0.15, -0.10, -0.08, -0.05, -0.02, 0.0,
        0.02, 0.05, 0.06, 0.10, 0.15, 0.20, 0.30,
    ),
    vol_shifts=(-0.25, 0.0, 0.25, 0.5),
)  # fmt: skip


class StressCell(Frozen):
    """One cell of the grid; ``pnl`` in the account's currency, a loss below zero."""

    spot_move: float
    vol_shift: float
    pnl: float


class NameStress(Frozen):
    """The worst cell of one underlying, all others standing still."""

    symbol: str
    worst: StressCell


class StressView(Frozen):
    """``pnl[i][j]`` is the result of ``spot_moves[i]`` with ``vol_shifts[j]``.

    All underlyings move alike but in ``rules_down`` and ``rules_up``: there each goes to the end of
    its own margin range (-8/+6 % a broad index of large names, ±10 % another, ±15 % the rest),
    volatility unchanged.
    """

    spot_moves: tuple[float, ...]
    vol_shifts: tuple[float, ...]
    pnl: tuple[tuple[float, ...], ...]
    worst: StressCell = Field(description="the largest loss of the whole grid")
    ordinary: StressCell = Field(description="the largest loss within ±15 %")
    tail: StressCell = Field(description="the worst volatility at a fall of 30 %")
    rules_down: float
    rules_up: float
    by_name: tuple[NameStress, ...] = Field(description="largest loss first")
    left_out: tuple[str, ...] = Field(description="keys of positions that cannot be valued")

    @property
    def largest_loss(self) -> float:
        """Zero or more."""
        return max(-self.worst.pnl, 0.0)


def stress(book: Book, grid: StressGrid = GRID) -> StressView:
    """The account over the grid; never raises."""
    symbols = sorted({position.symbol for position in book.positions})
    number = {symbol: index for index, symbol in enumerate(symbols)}
    index = np.array([number[position.symbol] for position in book.positions], dtype=np.int64)
    by_name = profits(book, grid, index, len(symbols))
    total = by_name.sum(axis=0)
    reach = np.abs(np.asarray(grid.spot_moves))
    names = [NameStress(symbol=s, worst=_worst(by_name[number[s]], grid)) for s in symbols]
    return StressView(
        spot_moves=grid.spot_moves,
        vol_shifts=grid.vol_shifts,
        pnl=tuple(tuple(row) for row in total.tolist()),
        worst=_worst(total, grid),
        ordinary=_worst(np.where((reach <= ORDINARY_REACH)[:, None], total, np.inf), grid),
        tail=_worst(np.where((reach == -TAIL_MOVE)[:, None], total, np.inf)[:1], grid),
        rules_down=_by_rule(by_name, symbols, grid, end=0),
        rules_up=_by_rule(by_name, symbols, grid, end=1),
        by_name=tuple(sorted(names, key=lambda name: (name.worst.pnl, name.symbol))),
        left_out=book.unpriced,
    )


def _worst(pnl: FloatArray, grid: StressGrid) -> StressCell:
    spot, vol = np.unravel_index(int(pnl.argmin()), pnl.shape)
    return StressCell(
        spot_move=grid.spot_moves[int(spot)],
        vol_shift=grid.vol_shifts[int(vol)],
        pnl=float(pnl[spot, vol]),
    )


def _by_rule(pnl: FloatArray, symbols: list[str], grid: StressGrid, *, end: int) -> float:
    unchanged = grid.vol_shifts.index(0.0)
    return sum(
        float(pnl[index, grid.spot_moves.index(RANGES[product_group(symbol).kind][end]), unchanged])
        for index, symbol in enumerate(symbols)
    )
