"""What a book of options gains or loses as its underlyings and their volatilities move.

Every option is valued by its model before and after a sudden move: spot × (1 + spot move), and
volatility × (1 + vol shift). Time, rates and dividends stand still. The model is Black-Scholes',
with an approximate premium where exercise may be early (``domain.pricing.spot_grid``): within about
two thousandths of the strike of the exact American value.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array  # pyright: ignore

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_LEAST_STDEV = 1e-12
"""In place of none: the formula then gives the intrinsic value."""
_LEAST_FACTOR = 1e-9
"""What is left of a spot that falls by all of its value."""


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
    usable = _usable(book)
    columns: list[Any] = [column[usable] for column in book]
    priced = OptionBook(*columns)
    moves, shifts = np.asarray(grid.spot_moves), len(grid.vol_shifts)
    sums = np.zeros((underlyings, len(moves), shifts))
    if usable.any():
        now = _values(priced, np.zeros(1), priced.vol[:, None])
        then = _values(priced, moves, shifted_vols(priced.vol, grid))
        rows = np.arange(len(priced.spot))
        units = priced.quantity * priced.multiplier
        held: Any = csr_array((units, (priced.underlying, rows)), (underlyings, len(rows)))
        sums += (held @ (then - now).reshape(len(rows), -1)).reshape(sums.shape)
    return StressResult(sums, ~usable)


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


def _values(book: OptionBook, moves: FloatArray, vols: FloatArray) -> FloatArray:
    """Model values ``(positions, moves, vols)``, vols being ``(positions, vols)``."""
    # numba: only when asked for.
    from domain.pricing import spot_grid  # noqa: PLC0415
    from domain.pricing.american_boundary import LANES, put_terms  # noqa: PLC0415

    count, shifts = vols.shape
    years = np.maximum(book.years, 0.0)
    strike_or_spot = np.where(book.is_call, book.spot, book.strike)
    log_spot = np.log(np.where(book.is_call, book.strike, book.spot) / strike_or_spot)
    rate = np.where(book.is_call, book.dividend_yield, book.rate) * years
    carried = np.where(book.is_call, book.rate, book.dividend_yield) * years
    side = np.where(book.is_call, -1.0, 1.0)
    is_early = book.is_american & ((rate > 0) | ((rate == 0) & (carried < 0)))
    stdev = np.maximum(vols * np.sqrt(years)[:, None], _LEAST_STDEV).ravel()
    columns = (log_spot, rate, carried, side, is_early.astype(np.float64))
    log_spot, rate, carried, side, early = (np.repeat(column, shifts) for column in columns)
    rows = [*put_terms(log_spot, rate, carried, stdev), side, early]
    blocks = -(-count * shifts // LANES)
    terms = np.empty((len(rows), blocks * LANES))
    for row, column in zip(terms, rows, strict=True):
        row[: len(column)], row[len(column) :] = column, column[-1]
    factors = np.maximum(1.0 + moves, _LEAST_FACTOR)
    values = np.empty((blocks, len(moves), LANES))
    by_block = np.array(terms.reshape(len(rows), blocks, LANES).transpose(1, 0, 2))
    spot_grid.value_spots(by_block.reshape(blocks, -1), np.log(factors), values)
    by_pair = values.transpose(0, 2, 1).reshape(-1, len(moves))[: count * shifts]
    by_position = by_pair.reshape(count, shifts, len(moves)).transpose(0, 2, 1)
    # A call is a put on the strike, counted in units of its spot: they grow with the move.
    units = np.where(book.is_call[:, None], book.spot[:, None] * factors, book.strike[:, None])
    return by_position * units[:, :, None]
