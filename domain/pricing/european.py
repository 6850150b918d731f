"""European options under Black-Scholes-Merton with a continuous dividend yield.

Everything is vectorised: arguments are float64 arrays (or scalars) that broadcast against each
other, results have the broadcast shape. Units: prices per share, ``years`` to expiry on an
actual/365 clock, ``rate``, ``dividend_yield`` and ``vol`` annualised and continuously compounded
decimals, ``is_call`` boolean. At or past expiry (``years`` ≤ 0) prices are intrinsic value.

Source: Merton (1973), "Theory of Rational Option Pricing"; formulas as in Hull, "Options,
Futures, and Other Derivatives", chapters 17 and 19.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr  # pyright: ignore[reportMissingTypeStubs]

FloatArray = npt.NDArray[np.float64]
Floats = npt.ArrayLike

DAYS_PER_YEAR = 365.0
MAX_VOL = 10.0
MIN_VOL = 1e-4
_BISECTIONS = 60
_NEWTON_STEPS = 8


class Greeks(NamedTuple):
    """Price and sensitivities, each of the broadcast shape of the inputs."""

    price: FloatArray
    delta: FloatArray
    """Per 1.00 of the underlying."""
    gamma: FloatArray
    """Delta per 1.00 of the underlying."""
    vega: FloatArray
    """Price per 1.00 of volatility (divide by 100 for one volatility point)."""
    theta_per_day: FloatArray
    """Price per calendar day that passes."""
    rho: FloatArray
    """Price per 1.00 of the interest rate."""


class _Terms(NamedTuple):
    """The broadcast inputs and what every formula shares."""

    spot: FloatArray
    strike: FloatArray
    years: FloatArray
    rate: FloatArray
    dividend_yield: FloatArray
    vol: FloatArray
    sign: FloatArray
    """+1 for a call, -1 for a put."""


def price(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
) -> FloatArray:
    """The value per share; NaN where an input is NaN."""
    return _price(_terms(spot, strike, years, rate, dividend_yield, vol, is_call))


def greeks(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
) -> Greeks:
    """The value and its sensitivities; at expiry delta is 0, ½ or 1 and the rest are 0."""
    terms = _terms(spot, strike, years, rate, dividend_yield, vol, is_call)
    live = (terms.years > 0) & (terms.vol > 0)
    root, d1, d2 = _d1_d2(terms)
    discount_q = np.exp(-terms.dividend_yield * terms.years)
    discount_r = np.exp(-terms.rate * terms.years)
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi)
    delta = terms.sign * discount_q * ndtr(terms.sign * d1)
    stdev_spot = np.where(live, terms.spot * root, 1.0)
    gamma = np.where(live, discount_q * density / stdev_spot, 0.0)
    vega = np.where(live, terms.spot * discount_q * density * np.sqrt(_positive(terms.years)), 0.0)
    carried_strike = terms.strike * discount_r * ndtr(terms.sign * d2)
    decay = np.where(
        live, 0.5 * terms.spot * discount_q * density * terms.vol / _root_years(terms), 0.0
    )
    theta = (
        -decay
        - terms.sign * terms.rate * carried_strike
        + terms.sign * terms.dividend_yield * terms.spot * discount_q * ndtr(terms.sign * d1)
    )
    alive = terms.years > 0
    return Greeks(
        price=_price(terms),
        delta=delta,
        gamma=gamma,
        vega=vega,
        theta_per_day=np.where(alive, theta / DAYS_PER_YEAR, 0.0),
        rho=np.where(alive, terms.sign * carried_strike * terms.years, 0.0),
    )


def implied_vol(
    option_price: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    is_call: npt.ArrayLike,
) -> FloatArray:
    """The annualised volatility that gives ``option_price``; NaN where there is none.

    There is none at or past expiry, at or below the discounted intrinsic value, above the price
    at MAX_VOL, or where any input is not finite. Bisection brackets the root (the price is
    monotone in volatility); guarded Newton steps polish it to about 1e-12 in price.
    """
    terms = _terms(spot, strike, years, rate, dividend_yield, MIN_VOL, is_call)
    target, *fields = np.broadcast_arrays(np.asarray(option_price, dtype=np.float64), *terms)
    terms = _Terms(*(np.asarray(field, dtype=np.float64) for field in fields))
    low = np.full(target.shape, MIN_VOL)
    high = np.full(target.shape, MAX_VOL)
    with np.errstate(invalid="ignore"):
        solvable = (
            np.isfinite(target)
            & np.isfinite(terms.spot * terms.strike * terms.rate * terms.dividend_yield)
            & np.isfinite(terms.years)
            & (terms.years > 0)
            & (target > _price(terms._replace(vol=low)))
            & (target < _price(terms._replace(vol=high)))
        )
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        below = _price(terms._replace(vol=middle)) < target
        low = np.where(below, middle, low)
        high = np.where(below, high, middle)
    vol = 0.5 * (low + high)
    for _ in range(_NEWTON_STEPS):
        at_vol = terms._replace(vol=vol)
        slope = _vega(at_vol)
        steep = slope > 1e-12
        step = np.where(steep, (_price(at_vol) - target) / np.where(steep, slope, 1.0), 0.0)
        # A step leaving the bracket would be noise where the price is flat in volatility.
        proposed = vol - step
        vol = np.where((proposed >= low) & (proposed <= high), proposed, vol)
    return np.where(solvable, vol, np.nan)


def _terms(
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
) -> _Terms:
    sign = np.where(np.asarray(is_call, dtype=np.bool_), 1.0, -1.0)
    arrays = np.broadcast_arrays(
        *(np.asarray(a, dtype=np.float64) for a in (spot, strike, years, rate)),
        *(np.asarray(a, dtype=np.float64) for a in (dividend_yield, vol, sign)),
    )
    terms = _Terms(*arrays)
    # Past expiry nothing grows or discounts any more.
    return terms._replace(years=np.where(terms.years < 0, 0.0, terms.years))


def _positive(values: FloatArray) -> FloatArray:
    return np.where(values > 0, values, 0.0)


def _root_years(terms: _Terms) -> FloatArray:
    return np.sqrt(np.where(terms.years > 0, terms.years, 1.0))


def _d1_d2(terms: _Terms) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Total volatility to expiry, d1 and d2; ±inf (or 0 at the forward) when there is none."""
    root = terms.vol * np.sqrt(terms.years)
    drift = (terms.rate - terms.dividend_yield) * terms.years
    with np.errstate(divide="ignore", invalid="ignore"):
        moneyness = np.log(terms.spot / terms.strike) + drift
        certain = np.where(moneyness == 0, 0.0, np.sign(moneyness) * np.inf)
        d1 = np.where(root > 0, moneyness / np.where(root > 0, root, 1.0) + 0.5 * root, certain)
    # Adding zero times the total volatility lets a NaN volatility through to the result.
    d1 = d1 + 0.0 * root
    return root, d1, d1 - root


def _price(terms: _Terms) -> FloatArray:
    _, d1, d2 = _d1_d2(terms)
    forward_spot = terms.spot * np.exp(-terms.dividend_yield * terms.years)
    carried_strike = terms.strike * np.exp(-terms.rate * terms.years)
    return terms.sign * (
        forward_spot * ndtr(terms.sign * d1) - carried_strike * ndtr(terms.sign * d2)
    )


def _vega(terms: _Terms) -> FloatArray:
    _, d1, _ = _d1_d2(terms)
    density = np.exp(-0.5 * d1 * d1) / np.sqrt(2 * np.pi)
    discount = np.exp(-terms.dividend_yield * terms.years)
    return terms.spot * discount * density * np.sqrt(terms.years)
