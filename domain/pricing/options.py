"""One way to value any listed option: European, American, with a dividend yield or known dividends.

Each row takes the method that is right for it: European with a yield by formula, American with a
yield by its exercise boundary, either with cash dividends before expiry by a tree on the spot model
(``option_tree``).
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from domain.pricing import american, european
from domain.pricing.american_boundary import Scheme
from domain.pricing.option_tree import tree_value

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Floats = npt.ArrayLike

DAYS_PER_YEAR = 365.0
_VOL_BUMP = 1e-2
_RATE_BUMP = 1e-3


class ValueCode(IntEnum):
    """What a row's figures are worth."""

    OK = 0
    EXPIRED = 1
    """At or past expiry: the figures are those of the intrinsic value."""
    BAD_INPUT = 2
    """Not finite, or not positive where it must be: every figure is nan."""


class OptionValues(NamedTuple):
    """Value and sensitivities per share, shape ``(rows,)``; units as in ``european``."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta_per_day: FloatArray
    rho: FloatArray
    premium: FloatArray
    """Of early exercise, over the European value; zero for European options."""
    code: IntArray
    """A ``ValueCode`` per row."""


class CashDividends(NamedTuple):
    """Known dividends, ``(rows, dividends)``; nan fills rows that have fewer."""

    years: FloatArray
    """To each ex-date, ascending. What is past, or after a row's expiry, does not count."""
    amounts: FloatArray
    """Per share."""


class OptionColumns(NamedTuple):
    """Options as columns that broadcast against each other; units as in ``european``."""

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    vol: Floats
    is_call: npt.ArrayLike
    is_american: npt.ArrayLike


def price_options(
    options: OptionColumns,
    dividends: CashDividends | None = None,
    accuracy: Scheme = american.ACCURATE,
) -> OptionValues:
    """Value, greeks and code of every row; never raises on a number."""
    arrays = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in options)
    columns = [np.array(column) for column in np.broadcast_arrays(*arrays)]
    code = _codes(columns)
    live = code == ValueCode.OK
    by_tree = live & _pays(columns[2], dividends)
    by_boundary = live & ~by_tree & (columns[7] > 0)
    by_formula = (code != ValueCode.BAD_INPUT) & ~by_tree & ~by_boundary
    values = np.full((7, len(code)), np.nan)
    if by_formula.any():
        values[:, by_formula] = _european(_rows(columns, by_formula))
    if by_boundary.any():
        spot, strike, years, rate, carried, vol, call, _ = _rows(columns, by_boundary)
        values[:, by_boundary] = american.greeks(
            spot, strike, years, rate, carried, vol, call > 0, accuracy
        )
    if by_tree.any() and dividends is not None:
        due = CashDividends(dividends.years[by_tree], dividends.amounts[by_tree])
        values[:, by_tree] = _by_tree(_rows(columns, by_tree), due)
    price, delta, gamma, vega, theta, rho, premium = values
    return OptionValues(price, delta, gamma, vega, theta, rho, premium, code)


def early_exercise_likely(
    call_price: Floats, spot: Floats, strike: Floats, next_dividend: Floats
) -> BoolArray:
    """Whether the holder of an American call does better to exercise before the next ex-date.

    Holding costs the dividend; exercising costs what the option is worth beyond its intrinsic
    value, ``call_price`` being that before the ex-date. In the money, and worth less beyond it
    than the dividend, means: expect assignment on the eve of the ex-date. (The put of the same
    strike is worth about the same extrinsic value, less interest on the strike: a put cheaper
    than the dividend is the same sign.) Unknown inputs answer no: name them elsewhere.
    """
    price, s, k, paid = (
        np.asarray(a, dtype=np.float64) for a in (call_price, spot, strike, next_dividend)
    )
    with np.errstate(invalid="ignore"):
        return np.where((s > k) & (paid > 0) & (price - (s - k) < paid), True, False)


def _rows(columns: list[FloatArray], chosen: BoolArray) -> list[FloatArray]:
    return [column[chosen] for column in columns]


def _european(columns: list[FloatArray]) -> FloatArray:
    spot, strike, years, rate, dividend_yield, vol, call, _ = columns
    plain = european.greeks(spot, strike, years, rate, dividend_yield, vol, call > 0)
    figures = (plain.price, plain.delta, plain.gamma, plain.vega, plain.theta_per_day, plain.rho)
    return np.array([*figures, np.zeros_like(spot)])


def _codes(columns: list[FloatArray]) -> IntArray:
    spot, strike, years, rate, dividend_yield, vol = columns[:6]
    with np.errstate(all="ignore"):
        finite = np.isfinite(spot + strike + years + rate + dividend_yield + vol)
        usable = finite & (spot > 0) & (strike > 0) & (vol > 0)
    return np.where(
        usable, np.where(years > 0, ValueCode.OK, ValueCode.EXPIRED), ValueCode.BAD_INPUT
    ).astype(np.int64)


def _pays(years: FloatArray, dividends: CashDividends | None) -> BoolArray:
    """Whether a row has a dividend before its expiry."""
    if dividends is None:
        return np.zeros(len(years), dtype=np.bool_)
    due = (dividends.years > 0) & (dividends.years <= years[:, None]) & (dividends.amounts > 0)
    return np.count_nonzero(due, axis=1) > 0


def _by_tree(columns: list[FloatArray], dividends: CashDividends) -> FloatArray:
    """``(7, rows)`` in the order of OptionValues. Theta, vega and rho as in ``american.greeks``."""
    spot, strike, _, rate, dividend_yield, vol, call, _ = columns

    def moved(column: int, by: FloatArray | float) -> FloatArray:
        bumped = [*columns]
        bumped[column] = columns[column] + by
        return tree_value(bumped, *dividends)[0]

    price, delta, gamma = tree_value(columns, *dividends)
    plain = tree_value([*columns[:7], np.zeros_like(spot)], *dividends)[0]
    wide = _VOL_BUMP * vol
    vega = (moved(5, wide) - moved(5, -wide)) / (2 * wide)
    rho = (moved(3, _RATE_BUMP) - moved(3, -_RATE_BUMP)) / (2 * _RATE_BUMP)
    theta = rate * price - (rate - dividend_yield) * spot * delta - 0.5 * (vol * spot) ** 2 * gamma
    intrinsic = np.where(call > 0, spot - strike, strike - spot)
    alive = (price > intrinsic * (1 + 1e-12)) | (columns[7] == 0)
    return np.array(
        [
            price,
            delta,
            gamma,
            np.where(alive, vega, 0.0),
            np.where(alive, theta / DAYS_PER_YEAR, 0.0),
            np.where(alive, rho, 0.0),
            np.maximum(price - plain, 0.0),
        ]
    )
