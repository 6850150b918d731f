"""Implied volatility and greeks of European options, compiled: one loop body without a branch.

Everything happens in Black's normalised coordinates (Jäckel, "Let's Be Rational", 2015, whose
notation is kept). With the forward F, the strike K and the total volatility s = σ√T:

    x = ln(F/K)        a = |x|        h = -a/s        t = s/2
    β = (out-of-the-money value, undiscounted) / √(FK)

and, Φ and φ being the normal distribution and density and Y(z) = Φ(z)/φ(z),

    b(s)  = b'(s)·s·D      D = (Y(h+t) - Y(h-t)) / 2t      b'(s) = exp(-(h² + t²)/2) / √(2π).

D = b/(s·b') is also how a relative error of the price comes out as a relative error of s: it is 1
at the money and 1/h² far out, so an absolute error of D *is* the relative error of the volatility.
Two things keep it near the machine's precision everywhere: Y comes from the scaled complementary
error function, which neither underflows nor cancels, and for small t the difference is taken by its
Taylor series about h.

The solver starts from the volatility of the Bachelier model that has the same value (a rational
function of one variable), carried over to Black's, and takes steps of Householder's third order on
ln b(s) = ln β: errors go e → c·e⁴. Two steps end below 1e-15 up to s ≈ 3; rows that have not
settled then (a volatility beyond any listed option's) are finished one by one.

Why own exp, log and erfcx: a call into a library stops the compiler from working on several rows at
once, and costs six times as much in all. Coefficients: ``coefficients.py``, which is generated.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from domain.pricing.coefficients import (
    ERFCX_CENTRE,
    ERFCX_EVEN,
    ERFCX_ODD,
    GUESS_ABOVE,
    GUESS_BELOW,
    LOG,
)
from domain.pricing.compiling import decorators
from domain.pricing.elementary import LN2_HIGH, LN2_LOW, MANTISSA_BITS
from domain.pricing.elementary import exp as _exp
from domain.pricing.elementary import polynomial as _polynomial

_compiled, _inline = decorators("contract")

SMALLEST = 1e-290
"""Of β: a value below says nothing about volatility."""
LARGEST = 1e100
"""Spots, strikes and terms beyond it, or below its inverse, are not computed with."""
LARGEST_EXPONENT = 100.0
"""Of growth and discounting, rate × years."""
DAYS_PER_YEAR = 365.0

_SQRT_2_PI = math.sqrt(2 * math.pi)
_LN_SQRT_2_PI = math.log(_SQRT_2_PI)
_SQRT_HALF = math.sqrt(0.5)
_SQRT_HALF_PI = math.sqrt(math.pi / 2)
_TWO_52 = float(1 << 52)
_TWO_52_BITS = 0x4330000000000000
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_SMALL_T = 0.1
_SETTLED = 1e-4
"""A last step below this leaves an error of its fourth power."""
_FLAT = 1e-14
_MAX_STEPS = 100


@_inline
def _log_ratio(numerator: float, denominator: float) -> float:
    """ln(numerator/denominator), both positive and normal; exact to the last bits near 1."""
    ratio = np.float64(numerator / denominator)
    offset = np.uint64(ratio.view(np.uint64)) - np.uint64(_SQRT_HALF_BITS)
    # The bias keeps the shift unsigned: there is no cheap signed one for a row of lanes.
    biased = np.uint64(offset + np.uint64(1023 << MANTISSA_BITS)) >> np.uint64(MANTISSA_BITS)
    exponent = np.uint64(biased | np.uint64(_TWO_52_BITS)).view(np.float64) - (_TWO_52 + 1023.0)
    scale = np.uint64((np.uint64(2046) - biased) << np.uint64(MANTISSA_BITS)).view(np.float64)
    scaled = numerator * scale
    f = (scaled - denominator) / (scaled + denominator)
    f2 = f * f
    return exponent * LN2_HIGH + (2 * f + (f * f2 * _polynomial(LOG, f2) + exponent * LN2_LOW))


@_inline
def _mills_below(z: float) -> float:
    """Y(z) = Φ(z)/φ(z) for z ≤ 0.

    √(π/2)·erfcx(-z/√2), with erfcx(y)·(1 + 2y) a polynomial in (y - c)/(y + c) (Shepherd and
    Laframboise 1981).
    """
    y = -z * _SQRT_HALF
    one_plus = 1 + 2 * y
    above = y + ERFCX_CENTRE
    reciprocal = 1 / (one_plus * above)
    q = (y - ERFCX_CENTRE) * one_plus * reciprocal
    q2 = q * q
    # Two short polynomials: a longer loop the compiler leaves a loop, and works row by row.
    product = _polynomial(ERFCX_EVEN, q2) + q * _polynomial(ERFCX_ODD, q2)
    return _SQRT_HALF_PI * product * above * reciprocal


@_inline
def _mills(z: float) -> float:
    """Y(z) for any z below 37."""
    below = _mills_below(-abs(z))
    above = _SQRT_2_PI * _exp(0.5 * z * z) - below
    return above if z > 0 else below


@_inline
def _value_over_vega(h: float, t: float) -> float:
    """D = (Y(h+t) - Y(h-t)) / 2t, to about 1e-16 absolutely where it is at most 1."""
    difference = (_mills(h + t) - _mills_below(h - t)) / (2 * t)
    # Y' = 1 + hY and Y⁽ⁿ⁺¹⁾ = hY⁽ⁿ⁾ + nY⁽ⁿ⁻¹⁾: the odd terms of the series about h.
    y0 = _mills_below(h)
    y1 = 1 + h * y0
    y2 = h * y1 + y0
    y3 = h * y2 + 2 * y1
    y4 = h * y3 + 3 * y2
    y5 = h * y4 + 4 * y3
    y6 = h * y5 + 5 * y4
    y7 = h * y6 + 6 * y5
    y8 = h * y7 + 7 * y6
    y9 = h * y8 + 8 * y7
    y10 = h * y9 + 9 * y8
    y11 = h * y10 + 10 * y9
    t2 = t * t
    tail = y7 / 5040 + t2 * (y9 / 362880 + t2 * y11 / 39916800)
    series = y1 + t2 * (y3 / 6 + t2 * (y5 / 120 + t2 * tail))
    return series if t < _SMALL_T else difference


@_inline
def _log_excess(h: float, t: float, d: float, s: float, log_beta: float) -> float:
    """ln b(s) - ln β."""
    return _log_ratio(s * d, 1.0) - _LN_SQRT_2_PI - 0.5 * (h * h + t * t) - log_beta


@_inline
def _step(h: float, t: float, d: float, excess: float) -> float:
    """The relative change of s: one step of Householder's third order on ln b(s) = ln β."""
    newton = -excess * d
    slope = 1 / d
    bend = h * h - t * t
    second = bend - slope
    third = bend * bend - 3 * h * h - t * t - 3 * slope * bend + 2 * slope * slope
    return newton * (1 + 0.5 * second * newton) / (1 + newton * (second + newton * third / 6))


@_inline
def _guess(a: float, beta: float, log_beta: float, distance: float) -> float:
    """A total volatility within a few per cent: Bachelier's, carried over to Black's.

    In Bachelier's model, the strike a ``distance`` away, s/(β + distance) depends on
    w = ln(1 + distance/β) only. Black's s is smaller by a/distance, and grows at the money as the
    inverse of the error function.
    """
    total = beta + distance
    w = _log_ratio(total, 1.0) - log_beta
    shrink = (a + SMALLEST) / (distance + SMALLEST)
    s = total * shrink * math.sqrt(_polynomial(GUESS_BELOW, w) / _polynomial(GUESS_ABOVE, w))
    u = s * s
    return s * (1 + u * (1 / 24 + u * (7 / 1920 + u * 127 / 322560)))


@_inline
def _two_steps(a: float, beta: float, log_beta: float, distance: float) -> tuple[float, float]:
    """The total volatility after two steps, and the relative size of the second."""
    s = _guess(a, beta, log_beta, distance)
    h = -a / s
    t = 0.5 * s
    d = (_mills(h + t) - _mills_below(h - t)) / s
    s *= 1 + _step(h, t, d, _log_excess(h, t, d, s, log_beta))
    h = -a / s
    t = 0.5 * s
    d = _value_over_vega(h, t)
    change = _step(h, t, d, _log_excess(h, t, d, s, log_beta))
    return s * (1 + change), change


@_inline
def _settle(a: float, log_beta: float) -> float:
    """s from the inflexion of b, each step at most doubling or halving it, until it stays."""
    s = max(math.sqrt(2 * a), 1.0)
    for _ in range(_MAX_STEPS):
        h = -a / s
        t = 0.5 * s
        d = _value_over_vega(h, t)
        excess = _log_excess(h, t, d, s, log_beta)
        change = _step(h, t, d, excess)
        if not -0.5 <= change <= 1.0:
            change = 1.0 if excess < 0 else -0.5
        s *= 1 + change
        if abs(change) < _FLAT:
            return s
    return s


@_inline
def _distance(a: float, root: float) -> float:
    """|F - K|/√(FK) = 2·sinh(a/2), without cancelling near the money; root = √(F/K)."""
    a2 = a * a
    near = a * (1 + a2 / 24 * (1 + a2 / 80 * (1 + a2 / 168 * (1 + a2 / 288))))
    far = abs(root - 1 / root)
    return near if a < 0.5 else far


@_inline
def _is_priceable(spot: float, strike: float, years: float, rate: float, growth: float) -> bool:
    """All finite and of a size that can be computed with; false for nan."""
    return (
        (spot > 1 / LARGEST)
        & (spot < LARGEST)
        & (strike > 1 / LARGEST)
        & (strike < LARGEST)
        & (years > 1 / LARGEST)
        & (abs(rate) * years < LARGEST_EXPONENT)
        & (abs(growth) * years < LARGEST_EXPONENT)
    )


@_inline
def _normalised_value(
    price: float, x: float, root: float, strike: float, discount: float, is_call: bool
) -> float:
    """β: in the money, what is left above parity."""
    distance = _distance(abs(x), root)
    is_in_the_money = (x > 0) == is_call
    return price / (discount * strike * root) - (distance if is_in_the_money else 0.0)


@_compiled
def solve(
    price: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    is_call: Any,
    vol: Any,
) -> None:
    """Fill ``vol``: contiguous arrays of one shape ``(n,)``, float64 but for the bool ``is_call``.

    nan where an input cannot be computed with, or the price leaves no volatility; negative where
    two steps did not settle, which is ``finish``'s to mend.
    """
    for i in range(price.size):
        growth = rate[i] - dividend_yield[i]
        usable = _is_priceable(spot[i], strike[i], years[i], rate[i], growth)
        term = years[i] if usable else 1.0
        k = strike[i] if usable else 1.0
        x = _log_ratio(spot[i] if usable else 1.0, k) + (growth if usable else 0.0) * term
        a = abs(x)
        root = _exp(0.5 * x)
        discount = _exp(-(rate[i] if usable else 0.0) * term)
        beta = _normalised_value(price[i], x, root, k, discount, is_call[i])
        inverse = 1 / root
        bound = inverse if x > 0 else root
        usable = usable & (beta > SMALLEST) & (beta < bound)
        beta = beta if usable else 0.1
        log_beta = _log_ratio(beta, 1.0)
        s, change = _two_steps(a, beta, log_beta, _distance(a, root))
        s = s if abs(change) < _SETTLED else -1.0
        vol[i] = (s if usable else math.nan) / math.sqrt(term)


@_compiled
def finish(
    price: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    is_call: Any,
    vol: Any,
) -> None:
    """Settle, one by one, the rows that ``solve`` left negative."""
    for i in range(price.size):
        if vol[i] < 0:
            x = _log_ratio(spot[i], strike[i]) + (rate[i] - dividend_yield[i]) * years[i]
            discount = _exp(-rate[i] * years[i])
            beta = _normalised_value(price[i], x, _exp(0.5 * x), strike[i], discount, is_call[i])
            vol[i] = _settle(abs(x), _log_ratio(beta, 1.0)) / math.sqrt(years[i])


@_compiled
def sensitivities(  # noqa: PLR0913, PLR0917  # numba passes columns one by one
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    is_call: Any,
    vol: Any,
    delta: Any,
    gamma: Any,
    vega: Any,
    theta_per_day: Any,
    rho: Any,
) -> None:
    """Fill the greeks, in the units of ``european.Greeks``; nan where ``vol`` is.

    F·φ(d1) = K·φ(d2) = √(FK)·b', so each tail comes from Y without underflow or cancelling.
    """
    for i in range(spot.size):
        usable = vol[i] > 0
        sigma = vol[i] if usable else 1.0
        term = years[i] if usable else 1.0
        k = strike[i] if usable else 1.0
        stock = spot[i] if usable else 1.0
        r = rate[i] if usable else 0.0
        q = dividend_yield[i] if usable else 0.0
        x = _log_ratio(stock, k) + (r - q) * term
        root_term = math.sqrt(term)
        s = sigma * root_term
        h = -abs(x) / s
        t = 0.5 * s
        strike_value = k * _exp(-r * term)
        spot_value = stock * _exp(-q * term)
        # The density under both tails, times the discounted √(FK).
        density = _exp(max(-0.5 * (h * h + t * t), -700.0)) / _SQRT_2_PI
        weight = math.sqrt(spot_value * strike_value) * density
        upper = weight * _mills(min(h + t, 37.0))
        lower = weight * _mills_below(h - t)
        # The tails are of the side that is out of the money; the other follows from parity.
        is_put_side = x > 0
        spot_tail = lower if is_put_side else upper
        strike_tail = upper if is_put_side else lower
        is_other = is_put_side == is_call[i]
        spot_part = spot_value - spot_tail if is_other else spot_tail
        strike_part = strike_value - strike_tail if is_other else strike_tail
        sign = 1.0 if is_call[i] else -1.0
        blank = 0.0 if usable else math.nan
        carried = sign * (q * spot_part - r * strike_part)
        delta[i] = sign * spot_part / stock + blank
        gamma[i] = weight / (stock * stock * s) + blank
        vega[i] = weight * root_term + blank
        theta_per_day[i] = (carried - 0.5 * weight * sigma / root_term) / DAYS_PER_YEAR + blank
        rho[i] = sign * term * strike_part + blank
