"""Elementary functions for compiled pricing kernels, written so that the compiler vectorises them.

Library calls in a loop keep the processor at one number at a time. These have no branch and no
call: a loop of them over a float64 array runs on full vector registers. Relative errors are below
1e-12, which suits prices; they are not a replacement for libm. The implied-volatility kernel needs
the last digits of a logarithm near 1 and of Mills' ratio far out, and pays for them with functions
of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import erfcx  # pyright: ignore

from domain.pricing.compiling import decorators
from domain.pricing.elementary import exp as unbounded_exp

compiled, inlined = decorators("contract", "nsz")
"""Fused multiply-adds and zeros without a sign are welcome, re-association is not: ``exp`` rounds
by adding a constant."""


@inlined
def exp(x: float) -> float:
    return unbounded_exp(min(max(x, -700.0), 700.0))


# log(x) = n ln 2 + 2 atanh(s), s = (m − 1)/(m + 1), with m in [√½, √2): |s| ≤ 0.1716, where the
# odd series to s^17 errs by 1e-15.
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD
_MANTISSA = 0x000FFFFFFFFFFFFF


@inlined
def log(x: float) -> float:
    bits = np.float64(x).view(np.int64) - _SQRT_HALF_BITS
    n = bits >> 52
    m = np.int64((bits & _MANTISSA) + _SQRT_HALF_BITS).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = 1.0 / 15.0 + q * (1.0 / 17.0)
    p = 1.0 / 13.0 + q * p
    p = 1.0 / 11.0 + q * p
    p = 1.0 / 9.0 + q * p
    p = 1.0 / 7.0 + q * p
    p = 1.0 / 5.0 + q * p
    p = 1.0 / 3.0 + q * p
    p = 1.0 + q * p
    return n * 0.6931471805599453 + 2.0 * s * p


# Mills' ratio (1 − Φ(x))/φ(x) for x ≥ 0 is smooth on t = (x − 3)/(x + 3) in [−1, 1] once
# multiplied by x + 3; a polynomial interpolates that product there.
_MIDDLE = 3.0
_DEGREE = 18


def _mills_coefficients() -> tuple[float, ...]:
    def scaled(t: Any) -> Any:
        x = _MIDDLE * (1 + t) / (1 - np.minimum(t, 1 - 1e-12))
        return (x + _MIDDLE) * np.sqrt(np.pi / 2) * erfcx(x / np.sqrt(2))

    chebyshev = np.polynomial.chebyshev
    return tuple(float(c) for c in chebyshev.cheb2poly(chebyshev.chebinterpolate(scaled, _DEGREE)))


(_M0, _M1, _M2, _M3, _M4, _M5, _M6, _M7, _M8, _M9) = _mills_coefficients()[:10]
(_M10, _M11, _M12, _M13, _M14, _M15, _M16, _M17, _M18) = _mills_coefficients()[10:]
INVERSE_ROOT_2PI = 1 / math.sqrt(2 * math.pi)


@inlined
def mills_ratio(x: float) -> float:
    """(1 − Φ(x))/φ(x) for x ≥ 0."""
    inverse = 1.0 / (x + _MIDDLE)
    t = (x - _MIDDLE) * inverse
    p = _M17 + t * _M18
    p = _M16 + t * p
    p = _M15 + t * p
    p = _M14 + t * p
    p = _M13 + t * p
    p = _M12 + t * p
    p = _M11 + t * p
    p = _M10 + t * p
    p = _M9 + t * p
    p = _M8 + t * p
    p = _M7 + t * p
    p = _M6 + t * p
    p = _M5 + t * p
    p = _M4 + t * p
    p = _M3 + t * p
    p = _M2 + t * p
    p = _M1 + t * p
    p = _M0 + t * p
    return p * inverse


@inlined
def density(x: float) -> float:
    """φ(x), the standard normal density."""
    return INVERSE_ROOT_2PI * exp(-0.5 * x * x)


@inlined
def cumulative(x: float, density_at_x: float) -> float:
    """Φ(x), given φ(x), which is mostly wanted, too."""
    tail = density_at_x * mills_ratio(abs(x))
    return tail if x < 0.0 else 1.0 - tail
