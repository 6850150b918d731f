"""American options with a continuous dividend yield: value, greeks, premium, implied volatility.

Arguments are float64 arrays (or scalars) that broadcast; units as in ``european``. Puts are valued
by their exercise boundary (``american_boundary``); a call is the put with spot and strike, rate and
yield exchanged (McDonald and Schroder, 1998, "A parity result for American options"). Nothing here
raises on a number: what cannot be valued is nan.

Exercise is never early, and the value European, for a put with rate ≤ 0 and yield ≥ rate, and for
a call with yield ≤ 0 and rate ≥ yield. Where a put's yield < rate < 0 (a call's rate < yield < 0)
exercise pays only between two boundaries: those rows are valued by a tree (``option_tree``), and so
are those whose volatility is small beside the carry (``MOST_DRIFT``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import elementwise  # pyright: ignore

from domain.pricing import american_boundary as boundary
from domain.pricing import european
from domain.pricing.american_boundary import Scheme
from domain.pricing.option_tree import tree_value

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Floats = npt.ArrayLike

DAYS_PER_YEAR = 365.0
MIN_VOL = 1e-3
MAX_VOL = 5.0
CERTAIN = 1e-4
"""A total volatility σ√T below this is none: the path is known, and with it the best exercise."""
MOST_DRIFT = 1.2
"""Where the carry drives a put into the money by more standard deviations than these by expiry, the
iteration for its boundary need not settle: at 3 % volatility it erred by a fifth of the price."""
_VOL_BUMP = 1e-3
_RATE_BUMP = 1e-4


FAST = boundary.scheme(6, 7, 21, guess_steps=2, iterations=2)
"""Errs by about 2e-6 strikes (root mean square; docs/pricing.md)."""
ACCURATE = boundary.scheme(12, 24, 48, guess_steps=2, iterations=5)
"""Errs by about 3e-7 strikes."""


class AmericanGreeks(NamedTuple):
    """Value and sensitivities, each of the broadcast shape of the inputs; units as in european."""

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta_per_day: FloatArray
    rho: FloatArray
    premium: FloatArray
    """What the right to exercise early adds to the European price."""


class _Puts(NamedTuple):
    """Rows as puts: with ``strike`` 1 after scaling, time taken out."""

    log_spot: FloatArray
    rate: FloatArray
    """Times years."""
    dividend_yield: FloatArray
    """Times years."""
    stdev: FloatArray


def value(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
    accuracy: Scheme = ACCURATE,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Price, delta and gamma; nan where an input is not finite or spot or strike not positive."""
    columns = _columns(spot, strike, years, rate, dividend_yield, vol, is_call)
    shape = columns[0].shape
    price, delta, gamma = _value([column.ravel() for column in columns], accuracy)
    return price.reshape(shape), delta.reshape(shape), gamma.reshape(shape)


def greeks(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
    accuracy: Scheme = ACCURATE,
) -> AmericanGreeks:
    """The value and its sensitivities.

    Theta follows from the Black-Scholes equation while the option lives, and is zero where it
    should be exercised now. Vega and rho are central differences of the solved price.
    """
    columns = _columns(spot, strike, years, rate, dividend_yield, vol, is_call)
    shape = columns[0].shape
    s, k, t, r, q, v, c = (column.ravel() for column in columns)
    price, delta, gamma = _value([s, k, t, r, q, v, c], accuracy)
    intrinsic = np.where(c > 0, s - k, k - s)
    with np.errstate(all="ignore"):
        alive = (t > 0) & ~((price <= intrinsic) & (gamma == 0))
        theta = r * price - (r - q) * s * delta - 0.5 * v * v * s * s * gamma
        wide = _VOL_BUMP * v
        vega = _value([s, k, t, r, q, v + wide, c], accuracy)[0]
        vega = (vega - _value([s, k, t, r, q, v - wide, c], accuracy)[0]) / (2 * wide)
        rho = _value([s, k, t, r + _RATE_BUMP, q, v, c], accuracy)[0]
        rho -= _value([s, k, t, r - _RATE_BUMP, q, v, c], accuracy)[0]
        plain = european.price(s, k, t, r, q, v, c > 0)
        vega = np.where(v > 0, vega, 0.0 * price)
    moving = np.where(alive, 1.0, 0.0) + 0.0 * price
    results = (
        price,
        delta,
        gamma,
        np.where(alive, vega, moving),
        np.where(alive, theta / DAYS_PER_YEAR, moving),
        np.where(alive, rho / (2 * _RATE_BUMP), moving),
        np.where(t > 0, np.maximum(price - plain, 0.0), moving),
    )
    return AmericanGreeks(*(result.reshape(shape) for result in results))


def implied_vol(
    option_price: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    is_call: npt.ArrayLike,
    accuracy: Scheme = ACCURATE,
) -> FloatArray:
    """The volatility that gives ``option_price``, to 1e-9; nan where there is none to be found.

    There is none at or below the value at MIN_VOL (an option at its intrinsic value is exercised
    at any lower volatility: its price does not tell), above that at MAX_VOL, or at expiry.
    """
    target, *columns = np.broadcast_arrays(
        np.asarray(option_price, dtype=np.float64),
        *_columns(spot, strike, years, rate, dividend_yield, MIN_VOL, is_call),
    )
    s, k, t, r, q, _, c = columns

    def miss(vol: FloatArray, *rows: FloatArray) -> FloatArray:
        wanted, s, k, t, r, q, c, scale = rows
        return (_value([s, k, t, r, q, vol, c], accuracy)[0] - wanted) / scale

    with np.errstate(all="ignore"):
        low, high = np.full(target.shape, MIN_VOL), np.full(target.shape, MAX_VOL)
        intrinsic = np.maximum(np.where(c > 0, s - k, k - s), 0.0)
        find_root: Any = elementwise.find_root  # pyright: ignore
        found = find_root(
            miss,
            (low, high),
            args=(target, s, k, t, r, q, c, k),
            tolerances={"xatol": 1e-10, "xrtol": 0.0, "fatol": 0.0, "frtol": 0.0},
        )
        solvable = found.success & (t > 0) & (target > intrinsic)
    return np.where(solvable, found.x, np.nan)


def _columns(*inputs: npt.ArrayLike) -> list[FloatArray]:
    """Broadcast to one shape; ``is_call``, the last, as 1.0 or 0.0."""
    *numbers, is_call = inputs
    flags = np.asarray(is_call, dtype=np.bool_).astype(np.float64)
    columns = [np.asarray(column, dtype=np.float64) for column in numbers]
    return [np.asarray(column) for column in np.broadcast_arrays(*columns, flags)]


def _value(
    columns: list[FloatArray], accuracy: Scheme
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Price, delta and gamma of flat columns."""
    spot, strike, years, rate, dividend_yield, vol, call = columns
    is_call = call > 0
    with np.errstate(all="ignore"):
        finite = np.isfinite(spot + strike + years + rate + dividend_yield + vol)
        usable = finite & (spot > 0) & (strike > 0) & (vol >= 0)
        put_rate = np.where(is_call, dividend_yield, rate)
        put_yield = np.where(is_call, rate, dividend_yield)
        live = usable & (years > 0)
        never_early = (put_rate <= 0) & (put_yield >= put_rate)
        certain = live & ~never_early & (vol * np.sqrt(np.maximum(years, 0.0)) < CERTAIN)
        two_sided = live & ~certain & (put_yield < put_rate) & (put_rate < 0)
        drifting = live & ~certain & ~never_early & ~two_sided
        drifting &= (put_rate - put_yield) * np.sqrt(np.maximum(years, 0.0)) > MOST_DRIFT * vol
        early = live & ~certain & ~never_early & ~two_sided & ~drifting
        plain = european.greeks(spot, strike, years, rate, dividend_yield, vol, is_call)
    price, delta, gamma = (
        np.where(usable, np.array(column), np.nan)
        for column in (plain.price, plain.delta, plain.gamma)
    )
    for rows, method in (
        (early, _by_boundary),
        (certain, _by_known_path),
        (two_sided, _by_tree),
        (drifting, _by_steady_tree),
    ):
        if rows.any():
            chosen = [column[rows] for column in columns]
            better, delta[rows], gamma[rows] = method(chosen, accuracy)
            # Numerical error must not take away the right to wait.
            price[rows] = np.maximum(better, price[rows])
    return price, delta, gamma


def _by_boundary(
    columns: list[FloatArray], accuracy: Scheme
) -> tuple[FloatArray, FloatArray, FloatArray]:
    spot, strike, years, rate, dividend_yield, vol, call = columns
    is_call = call > 0
    unit = np.where(is_call, spot, strike)
    ratio = np.where(is_call, strike, spot) / unit
    puts = _Puts(
        np.log(ratio),
        np.where(is_call, dividend_yield, rate) * years,
        np.where(is_call, rate, dividend_yield) * years,
        vol * np.sqrt(years),
    )
    price, delta, gamma = _solve(puts, accuracy)
    return (
        unit * price,
        np.where(is_call, price - ratio * delta, delta),
        np.where(is_call, ratio * ratio * gamma, gamma) / unit,
    )


def _solve(puts: _Puts, accuracy: Scheme) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Price, delta and gamma of puts with strike 1."""
    count, lanes = len(puts.log_spot), boundary.LANES
    blocks = -(-count // lanes)
    terms = np.empty((boundary.TERM_ROWS, blocks * lanes))
    for row, column in zip(terms, boundary.put_terms(*puts), strict=True):
        row[:count], row[count:] = column, column[-1]
    results = np.empty((blocks, boundary.RESULT_ROWS * lanes))
    by_block = terms.reshape(boundary.TERM_ROWS, blocks, lanes).transpose(1, 0, 2)
    boundary.value_blocks(np.array(by_block).reshape(blocks, -1), accuracy, results)
    by_row = results.reshape(blocks, boundary.RESULT_ROWS, lanes).transpose(1, 0, 2)
    price, delta, gamma, _ = by_row.reshape(boundary.RESULT_ROWS, -1)[:, :count]
    return price, delta, gamma


def _by_known_path(
    columns: list[FloatArray], accuracy: Scheme
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Exercise of an underlying that moves along its forward, at the best of all times.

    The discounted payoff sign·(S e^(−qt) − K e^(−rt)) is greatest now, at expiry, or where it
    stands still in between; what is left then is zero or more.
    """
    del accuracy
    spot, strike, years, rate, dividend_yield, _, call = columns
    sign = np.where(call > 0, 1.0, -1.0)
    with np.errstate(all="ignore"):
        still = np.log(rate * strike / (dividend_yield * spot)) / (rate - dividend_yield)
    still = np.where(np.isfinite(still), np.clip(still, 0.0, years), 0.0)
    times = np.stack([np.zeros_like(years), still, years])
    held = np.exp(-dividend_yield * times)
    paid = sign * (spot * held - strike * np.exp(-rate * times))
    best = paid.argmax(axis=0)[None]
    price = np.take_along_axis(paid, best, axis=0)[0]
    delta = np.where(price > 0, sign * np.take_along_axis(held, best, axis=0)[0], 0.0)
    return np.maximum(price, 0.0), delta, np.zeros_like(price)


def _by_tree(
    columns: list[FloatArray], accuracy: Scheme, *, steady: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    del accuracy
    none = np.empty((len(columns[0]), 0))
    return tree_value([*columns, np.ones(len(columns[0]))], none, none, steady=steady)


def _by_steady_tree(
    columns: list[FloatArray], accuracy: Scheme
) -> tuple[FloatArray, FloatArray, FloatArray]:
    return _by_tree(columns, accuracy, steady=True)
