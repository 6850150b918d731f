"""Options over many spots and volatilities at once: quick values for stress grids, compiled.

Put-call symmetry makes every option a put with strike 1 (``american_boundary``), of which a row of
lanes holds one per position and volatility; all spots are valued one after another. The European
part is exact. The premium of early exercise is Barone-Adesi and Whaley's (1987), A·(S/B)^λ above
the boundary B, solved once per volatility: it errs by about a thousandth of the strike where it is
largest, which a stress test does not notice and a quoted price would.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from domain.pricing.american_boundary import (
    LANES,
    LOG_LIMIT,
    LOG_SPOT,
    RATE,
    STDEV,
    TERM_ROWS,
    YIELD,
    annuity,
    first_guess,
    guess_step,
)
from domain.pricing.vector_math import compiled, cumulative, density, exp

FloatArray = npt.NDArray[np.float64]

SIDE, EARLY = TERM_ROWS * LANES, (TERM_ROWS + 1) * LANES
"""More rows of terms: how ln S moves with ln spot (−1 for a call, 1 for a put), and whether
exercise may be early (1 or 0)."""
GRID_ROWS = TERM_ROWS + 2
_STEPS = 4


@compiled
def value_spots(terms: FloatArray, log_moves: FloatArray, values: FloatArray) -> None:
    """Fill ``values`` ``(blocks, spots, LANES)``, in units of the strike.

    ``terms`` ``(blocks, GRID_ROWS × LANES)``, ``log_moves`` ``(spots,)`` added to ln spot.
    """
    boundary = np.empty(LANES)
    exponent = np.empty(LANES)
    scale = np.empty(LANES)
    depth = np.empty(LANES)
    for b in range(terms.shape[0]):
        first_guess(terms[b], 1.0, depth)
        for _ in range(_STEPS):
            guess_step(terms[b], 1.0, 0.0, depth)
        _premium(terms[b], depth, boundary, exponent, scale)
        for i in range(log_moves.size):
            _value(terms[b], log_moves[i], boundary, exponent, scale, values[b, i])


@compiled
def _premium(
    terms: FloatArray,
    depth: FloatArray,
    boundary: FloatArray,
    exponent: FloatArray,
    scale: FloatArray,
) -> None:
    """ln B, λ and A of each lane; A = 0 where exercise is never early."""
    for k in range(LANES):
        rate_t, yield_t, stdev = terms[RATE + k], terms[YIELD + k], terms[STDEV + k]
        log_price = terms[LOG_LIMIT + k] - depth[k]
        price = exp(log_price)
        d_plus = (log_price + rate_t - yield_t) / stdev + 0.5 * stdev
        d_minus = d_plus - stdev
        share_leg = exp(-yield_t) * cumulative(-d_plus, density(d_plus))
        strike_leg = exp(-rate_t) * cumulative(-d_minus, density(d_minus))
        half = 0.5 * stdev * stdev
        omega = (rate_t - yield_t) / half - 1.0
        root = np.sqrt(omega * omega + 4.0 * annuity(rate_t) / half)
        is_early = terms[EARLY + k] > 0.0
        gain = max(1.0 - price - strike_leg + price * share_leg, 0.0)
        boundary[k] = log_price if is_early else -600.0
        exponent[k] = -0.5 * (omega + root) if is_early else 0.0
        scale[k] = gain if is_early else 0.0


@compiled
def _value(
    terms: FloatArray,
    log_move: float,
    boundary: FloatArray,
    exponent: FloatArray,
    scale: FloatArray,
    values: FloatArray,
) -> None:
    for k in range(LANES):
        rate_t, yield_t, stdev = terms[RATE + k], terms[YIELD + k], terms[STDEV + k]
        log_spot = terms[LOG_SPOT + k] + terms[SIDE + k] * log_move
        spot = exp(log_spot)
        d_plus = (log_spot + rate_t - yield_t) / stdev + 0.5 * stdev
        d_minus = d_plus - stdev
        share_leg = spot * exp(-yield_t) * cumulative(-d_plus, density(d_plus))
        value = exp(-rate_t) * cumulative(-d_minus, density(d_minus)) - share_leg
        above = log_spot - boundary[k]
        premium = scale[k] * exp(exponent[k] * max(above, 0.0))
        values[k] = 1.0 - spot if above <= 0.0 else value + premium
