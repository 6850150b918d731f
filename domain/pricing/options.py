"""One way to value any listed option: European, American, with a dividend yield or known dividends.

Each row takes the method that is right for it: European with a yield by formula, American with a
yield by its exercise boundary, either with cash dividends before expiry by a tree on the spot model
(``option_tree``).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import elementwise  # pyright: ignore

from domain.pricing import american, european
from domain.pricing.american_boundary import Scheme
from domain.pricing.implied_vol import implied_vol
from domain.pricing.option_tree import tree_value

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Floats = npt.ArrayLike

DAYS_PER_YEAR = 365.0
_VOL_BUMP = 1e-2
_RATE_BUMP = 1e-3
_NEAR_EXERCISE = 5e-3
"""Of the spot: a quote this far below the exercise value is taken for one at it."""
_HAIR = 1e-5
"""Of the strike."""


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


def solve_vols(
    prices: FloatArray, options: OptionColumns, dividends: CashDividends | None = None
) -> FloatArray:
    """The volatility at which ``price_options`` gives each price, ``options.vol`` being ignored.

    An American option quoted about at its exercise value tells only that its volatility is no
    higher than where holding it begins to pay: it gets that one. nan where there is none.
    """
    arrays = (np.atleast_1d(np.asarray(column, dtype=np.float64)) for column in options)
    columns = [np.array(column) for column in np.broadcast_arrays(*arrays)]
    columns[5] = np.ones_like(columns[5])
    live = _codes(columns) == ValueCode.OK
    by_tree = live & _pays(columns[2], dividends)
    by_boundary = live & ~by_tree & (columns[7] > 0)
    by_formula = live & ~by_tree & ~by_boundary
    wanted = np.where(columns[7] > 0, _above_exercise(prices, columns), prices)
    vols = np.full(len(live), np.nan)
    if by_formula.any():
        spot, strike, years, rate, carried, _, call, _ = _rows(columns, by_formula)
        given = wanted[by_formula]
        vols[by_formula] = implied_vol(given, spot, strike, years, rate, carried, call > 0)
    if by_boundary.any():
        spot, strike, years, rate, carried, _, call, _ = _rows(columns, by_boundary)
        given = wanted[by_boundary]
        vols[by_boundary] = american.implied_vol(
            given, spot, strike, years, rate, carried, call > 0
        )
    if by_tree.any() and dividends is not None:
        due = CashDividends(dividends.years[by_tree], dividends.amounts[by_tree])
        vols[by_tree] = _tree_vols(wanted[by_tree], _rows(columns, by_tree), due)
    return vols


def _above_exercise(prices: FloatArray, columns: list[FloatArray]) -> FloatArray:
    """A price about at the exercise value raised to a hair above it."""
    spot, strike, call = columns[0], columns[1], columns[6]
    exercise = np.maximum(np.where(call > 0, spot - strike, strike - spot), 0.0)
    is_near = (exercise > 0) & (prices > exercise - _NEAR_EXERCISE * spot)
    return np.where(is_near, np.maximum(prices, exercise + _HAIR * strike), prices)


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


def _tree_vols(
    prices: FloatArray, columns: list[FloatArray], dividends: CashDividends
) -> FloatArray:
    strike = columns[1]

    def miss(vol: FloatArray, number: FloatArray) -> FloatArray:
        rows = number.astype(np.int64)
        tried = [column[rows] for column in columns]
        tried[5] = vol
        value = tree_value(tried, dividends.years[rows], dividends.amounts[rows])[0]
        return (value - prices[rows]) / strike[rows]

    find_root: Any = elementwise.find_root  # pyright: ignore
    with np.errstate(all="ignore"):
        found = find_root(
            miss,
            (np.full(len(prices), american.MIN_VOL), np.full(len(prices), american.MAX_VOL)),
            args=(np.arange(len(prices), dtype=np.float64),),
            tolerances={"xatol": 1e-8, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0},
        )
    return np.where(found.success, found.x, np.nan)


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
