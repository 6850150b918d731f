"""European options under Black-Scholes-Merton with a continuous dividend yield.

Everything is vectorised: arguments are float64 arrays (or scalars) that broadcast against each
other, results have the broadcast shape. Units: prices per share, ``years`` to expiry on an
actual/365 clock, ``rate``, ``dividend_yield`` and ``vol`` annualised and continuously compounded
decimals, ``is_call`` boolean. At or past expiry (``years`` ≤ 0) prices are intrinsic value.

The cost of carry is ``rate - dividend_yield``, so one formula serves them all: shares and indices
with their yield, currencies with the foreign rate in its place, and futures (Black-76) with the
future as ``spot`` and ``dividend_yield = rate``, for which ``black76_price`` and ``black76_greeks``
stand.

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
"""1,000 %: above any listed option's; beyond, a volatility is taken for a fault."""


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
    vega = np.where(live, terms.spot * discount_q * density * np.sqrt(terms.years), 0.0)
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


def black76_price(
    forward: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
) -> FloatArray:
    """The value per unit of an option on a future or forward (Black 1976)."""
    return price(forward, strike, years, rate, rate, vol, is_call)


def black76_greeks(
    forward: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    vol: Floats,
    is_call: npt.ArrayLike,
) -> Greeks:
    """Black 1976's greeks: delta and gamma per 1.00 of the forward, which rho holds still."""
    found = greeks(forward, strike, years, rate, rate, vol, is_call)
    # The rate only discounts here: it does not move the forward.
    alive = np.where(np.asarray(years) > 0, years, 0.0)
    return found._replace(rho=-alive * found.price)


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
