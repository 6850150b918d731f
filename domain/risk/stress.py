"""What a book of options gains or loses as its underlyings and their volatilities move.

Every option is valued by its model before and after a sudden move: spot × (1 + spot move), and
volatility × (1 + vol shift). Time, rates and dividends stand still.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from domain.pricing import european

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


class OptionBook(NamedTuple):
    """Option positions as columns, each of shape ``(positions,)``.

    ``quantity`` is signed contracts, ``multiplier`` shares per contract, ``spot`` the price of the
    position's own underlying, ``years`` to expiry (0 or less: intrinsic value), the rest
    annualised decimals. ``underlying`` numbers the underlyings from 0.
    """

    quantity: FloatArray
    multiplier: FloatArray
    spot: FloatArray
    strike: FloatArray
    years: FloatArray
    vol: FloatArray
    rate: FloatArray
    dividend_yield: FloatArray
    is_call: BoolArray
    is_american: BoolArray
    underlying: IntArray


class StressGrid(NamedTuple):
    """Relative moves: ``-0.15`` is 15 % down; a vol shift of ``0.5`` is half as much again.

    A shift takes no volatility below ``vol_floor``; one that is already below stays as it is.
    """

    spot_moves: tuple[float, ...]
    vol_shifts: tuple[float, ...] = (0.0,)
    vol_floor: float = 0.05


class StressResult(NamedTuple):
    """Profit (positive) or loss (negative), multipliers included."""

    pnl: FloatArray
    """``(underlyings, spot moves, vol shifts)``, in the currency of the prices."""
    unpriced: BoolArray
    """``(positions,)``: an input was not a usable number; the position is in no sum."""

    @property
    def total(self) -> FloatArray:
        """``(spot moves, vol shifts)``: all underlyings moving alike."""
        return self.pnl.sum(axis=0)


def stress_options(book: OptionBook, grid: StressGrid, underlyings: int) -> StressResult:
    """The profit and loss of the book in every cell of the grid, by underlying.

    Positions whose inputs are unusable (not finite; spot, strike or volatility not positive) are
    left out and named in ``unpriced``: whoever asks must tell that the sums lack them.
    """
    unpriced = ~_usable(book)
    spots = book.spot[:, None, None] * (1 + np.asarray(grid.spot_moves)[:, None])
    vols = shifted_vols(book.vol, grid)[:, None, :]
    now = _values(book, book.spot[:, None, None], book.vol[:, None, None])
    units = (book.quantity * book.multiplier)[:, None, None]
    change = _values(book, spots, vols) - now
    with np.errstate(invalid="ignore"):
        pnl = np.where(unpriced[:, None, None], 0.0, units * change)
    sums = np.zeros((underlyings, *pnl.shape[1:]))
    np.add.at(sums, book.underlying, pnl)
    return StressResult(sums, unpriced)


def shifted_vols(vol: FloatArray, grid: StressGrid) -> FloatArray:
    """``(positions, vol shifts)``: volatility after each shift, its floor respected."""
    shifted = vol[:, None] * (1 + np.asarray(grid.vol_shifts))
    return np.maximum(shifted, np.minimum(vol, grid.vol_floor)[:, None])


def _usable(book: OptionBook) -> BoolArray:
    positive = (book.spot > 0) & (book.strike > 0) & (book.vol > 0)
    finite = np.isfinite(
        book.quantity * book.multiplier * book.spot * book.strike * book.vol
        + book.years
        + book.rate
        + book.dividend_yield
    )
    return positive & finite


def _values(book: OptionBook, spot: FloatArray, vol: FloatArray) -> FloatArray:
    """Model values; an American option is never worth less than its exercise."""
    strike, years, rate, dividend_yield, is_call, is_american = (
        column[:, None, None]
        for column in (
            book.strike,
            book.years,
            book.rate,
            book.dividend_yield,
            book.is_call,
            book.is_american,
        )
    )
    with np.errstate(all="ignore"):  # unusable rows are dropped by the caller
        value = european.price(spot, strike, years, rate, dividend_yield, vol, is_call)
        exercised = np.where(is_call, spot - strike, strike - spot)
    return np.where(is_american, np.maximum(value, exercised), value)
