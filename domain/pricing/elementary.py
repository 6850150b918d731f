"""The exponential function of all compiled kernels, without a branch and without a call.

Library calls in a loop keep the processor at one number at a time; a loop over these runs on full
vector registers. Coefficients: ``coefficients.py``, which is generated.
"""

from __future__ import annotations

import math

import numpy as np

from domain.pricing.coefficients import EXP
from domain.pricing.compiling import decorators

_, _inline = decorators("contract")

LOG2_E = 1 / math.log(2)
# ln 2 in two parts, the first with so few bits that its multiples by an exponent are exact.
LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
ROUNDER = float(3 << 51)
"""Added and taken away again, leaves a number rounded to an integer, which its low bits hold."""
MANTISSA_BITS = 52


@_inline
def polynomial(coefficients: tuple[float, ...], z: float) -> float:
    """By Horner's rule, lowest order first; the compiler unrolls it."""
    total = coefficients[-1]
    for i in range(len(coefficients) - 2, -1, -1):
        total = total * z + coefficients[i]
    return total


@_inline
def exp(z: float) -> float:
    """e^z for |z| < 700."""
    shifted = z * LOG2_E + ROUNDER
    bits = np.float64(shifted).view(np.int64)
    exponent = shifted - ROUNDER
    rest = z - exponent * LN2_HIGH - exponent * LN2_LOW
    power_of_two = np.int64((bits + 1023) << MANTISSA_BITS).view(np.float64)
    return polynomial(EXP, rest) * power_of_two
