"""The exercise boundary of American puts and what it is worth, for a block of options at once.

Andersen, Lake and Offengenden (2016), "High-performance American option pricing", Journal of
Computational Finance 20(1): the boundary B(τ) is the fixed point of an integral equation, smooth
as h² = ln(X/B)² against √τ, where X is its limit at expiry. It is held at Chebyshev nodes in √τ;
between them h² is interpolated. The premium of early exercise is an integral over the boundary
(Kim, 1990). The first guess is Barone-Adesi and Whaley's (1987), then Li's QD+ (2010).

Every option is brought to one form: a put with strike 1 and the dimensionless terms ``rT``, ``qT``
and ``v = σ√T``. Time to expiry is T·a² and the volatility over it v·a, with ``a`` in [0, 1]. What
depends on nodes alone, the weights of interpolation among it, is computed once per ``Scheme``.

Blocks are rows of LANES numbers in one flat array: distances between rows are constants then, and
the compiler vectorises along the lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from domain.pricing.vector_math import compiled, cumulative, density, exp, inlined, log

FloatArray = npt.NDArray[np.float64]

LANES = 64
LOG_LIMIT, RATE, YIELD, STDEV, DEEPEST, LOG_SPOT = (row * LANES for row in range(6))
"""Where a block's rows begin: ln X, rT, qT, v, the h of the perpetual boundary and ln S."""
TERM_ROWS = 6
PRICE, DELTA, GAMMA, PREMIUM = (row * LANES for row in range(4))
"""Where a block's results begin."""
RESULT_ROWS = 4
_SMALLEST = 1e-300
_NOWHERE = 200.0
"""The h of a boundary so low that it is never met."""


class Scheme(NamedTuple):
    """How finely a boundary is solved: nodes, weights and numbers of steps."""

    node_roots: FloatArray
    """``(nodes,)`` a of each Chebyshev node, falling from 1; the one at expiry needs no solving."""
    shares: FloatArray
    """``(points,)`` where the fixed-point integrals are evaluated, as fractions of a node's a."""
    weights: FloatArray
    """``(points,)``"""
    between: FloatArray
    """``(nodes, points, nodes)`` from h² at the nodes to h² at the time to expiry of a point."""
    premium_roots: FloatArray
    """``(premium points,)`` a of the time from now in the integral of the premium."""
    premium_weights: FloatArray
    premium_between: FloatArray
    """``(premium points, nodes)``"""
    guess_steps: int
    iterations: int


def scheme(
    nodes: int, points: int, premium_points: int, *, guess_steps: int, iterations: int
) -> Scheme:
    """A scheme with so many Chebyshev nodes, Gauss-Legendre points and steps."""
    z = np.cos(np.pi * np.arange(nodes + 1) / nodes)
    roots = 0.5 * (1 + z[:-1])
    x, weights = np.polynomial.legendre.leggauss(points)
    premium_x, premium_weights = np.polynomial.legendre.leggauss(premium_points)
    shares, premium_roots = 0.5 * (1 + x), 0.5 * (1 + premium_x)
    return Scheme(
        roots,
        shares,
        0.5 * weights,
        _interpolation(roots[:, None] * np.sqrt(1 - shares**2), z),
        premium_roots,
        0.5 * premium_weights,
        _interpolation(np.sqrt(1 - premium_roots**2), z),
        guess_steps,
        iterations,
    )


def _interpolation(roots: FloatArray, nodes: FloatArray) -> FloatArray:
    """Barycentric weights from values at the nodes (0 at the last) to those at ``roots``."""
    signs = (-1.0) ** np.arange(len(nodes))
    signs[[0, -1]] *= 0.5
    gap = (2 * roots - 1)[..., None] - nodes
    ratio = signs / np.where(gap == 0, 1e-300, gap)
    return np.ascontiguousarray((ratio / ratio.sum(axis=-1, keepdims=True))[..., :-1])


def put_terms(
    log_spot: FloatArray, rate: FloatArray, dividend_yield: FloatArray, stdev: FloatArray
) -> list[FloatArray]:
    """The rows of terms, in their order: ``(puts,)`` each of ln S, rT, qT and v given."""
    dearer = dividend_yield > rate
    with np.errstate(all="ignore"):
        limit = np.where(dearer & (rate > 0), np.log(rate / dividend_yield), 0.0)
        omega = 2 * (rate - dividend_yield) / stdev**2 - 1
        product = 4 * rate / stdev**2
        root = np.sqrt(omega * omega + 2 * product)
        # Both forms are the same number; each is free of cancellation on its side.
        exponent = np.where(omega > 0, -0.5 * (omega + root), -product / (root - omega))
        deepest = limit - np.log(exponent / (exponent - 1))
    deepest = np.clip(np.nan_to_num(deepest, nan=_NOWHERE), 0.0, _NOWHERE)
    return [limit, rate, dividend_yield, stdev, deepest, log_spot]


@compiled
def solve_boundary(terms: FloatArray, scheme: Scheme, depth: FloatArray) -> None:
    """Fill ``depth`` with h at the nodes: B = X·e^(−h).

    A few plain iterations settle: each time the whole boundary moves to N/D (``_add_point``).
    """
    node_roots, shares, weights = scheme.node_roots, scheme.shares, scheme.weights
    nodes = node_roots.size
    squares = np.empty(nodes * LANES)
    ahead = np.empty(LANES)
    sums = np.empty(2 * LANES)
    for i in range(nodes):
        row = depth[i * LANES : (i + 1) * LANES]
        first_guess(terms, node_roots[i], row)
        for step in range(scheme.guess_steps):
            guess_step(terms, node_roots[i], 1.0 if step == scheme.guess_steps - 1 else 0.0, row)
    for _ in range(scheme.iterations):
        for k in range(nodes * LANES):
            squares[k] = depth[k] * depth[k]
        for i in range(nodes):
            row = depth[i * LANES : (i + 1) * LANES]
            _at_expiry(terms, row, node_roots[i], sums)
            for j in range(shares.size):
                _interpolate(squares, scheme.between[i, j], ahead)
                _add_point(terms, row, ahead, node_roots[i], shares[j], weights[j], sums)
            for k in range(LANES):
                ratio = max(sums[k], _SMALLEST) / max(sums[LANES + k], _SMALLEST)
                moved = terms[LOG_LIMIT + k] - log(ratio)
                row[k] = min(max(moved, 0.0), terms[DEEPEST + k])


@compiled
def _interpolate(squares: FloatArray, weights: FloatArray, depth: FloatArray) -> None:
    """h at a time to expiry from h² at the nodes."""
    for k in range(LANES):
        depth[k] = weights[0] * squares[k]
    for m in range(1, weights.size):
        row = squares[m * LANES : (m + 1) * LANES]
        weight = weights[m]
        for k in range(LANES):
            depth[k] += weight * row[k]
    for k in range(LANES):
        depth[k] = np.sqrt(max(depth[k], 0.0))


@compiled
def _at_expiry(terms: FloatArray, depth: FloatArray, a: float, sums: FloatArray) -> None:
    """Begin N and D with what the option pays at expiry."""
    for k in range(LANES):
        yield_t = terms[YIELD + k] * a * a
        stdev = terms[STDEV + k] * a
        log_price = terms[LOG_LIMIT + k] - depth[k]
        d_plus = (log_price + terms[RATE + k] * a * a - yield_t) / stdev + 0.5 * stdev
        carry = exp(-yield_t)
        phi = density(d_plus)
        scaled = carry * phi / stdev
        sums[k] = scaled * exp(log_price)
        sums[LANES + k] = carry * cumulative(d_plus, phi) + scaled


@compiled
def _add_point(
    terms: FloatArray,
    depth: FloatArray,
    ahead: FloatArray,
    a: float,
    share: float,
    weight: float,
    sums: FloatArray,
) -> None:
    """Add one quadrature point to N and D.

    B = N/D is system A of Andersen et al. (smooth pasting), N and D multiplied by e^(−rτ) and
    e^(−qτ); time runs from now, s = T·(a·share)², and e^(−rs)φ(d₋) = (B/B(u))·e^(−qs)φ(d₊).
    """
    root = a * share
    for k in range(LANES):
        yield_t = terms[YIELD + k]
        stdev = terms[STDEV + k]
        step = stdev * root
        drift = (terms[RATE + k] - yield_t) * root * root
        log_ratio = ahead[k] - depth[k]
        d_plus = (log_ratio + drift) / step + 0.5 * step
        carry = exp(-yield_t * root * root)
        phi = density(d_plus)
        scaled = carry * phi / stdev
        factor = 2.0 * weight * a
        sums[k] += factor * terms[RATE + k] * scaled * exp(min(log_ratio, 300.0))
        sums[LANES + k] += factor * yield_t * (root * carry * cumulative(d_plus, phi) + scaled)


@compiled
def first_guess(terms: FloatArray, a: float, depth: FloatArray) -> None:
    """Barone-Adesi and Whaley's seed: from X towards the perpetual boundary."""
    for k in range(LANES):
        rise = (terms[RATE + k] - terms[YIELD + k]) * a * a - 2.0 * terms[STDEV + k] * a
        limit = exp(terms[LOG_LIMIT + k])
        deepest = limit * exp(-terms[DEEPEST + k])
        seed = deepest + (limit - deepest) * exp(min(rise / (1.0 - deepest), 0.0))
        depth[k] = max(terms[LOG_LIMIT + k] - log(seed), 1e-4)


@compiled
def guess_step(terms: FloatArray, a: float, refined: float, depth: FloatArray) -> None:
    """One Newton step in ln S on (1 − D)S + (λ + c)(1 − S − P) = 0.

    P is the European put at S, −D its delta. c = 0 is the equation of Barone-Adesi and Whaley;
    ``refined`` (1 or 0) adds Li's c of QD+, bounded where it runs away close to X.
    """
    for k in range(LANES):
        rate_t = terms[RATE + k] * a * a
        yield_t = terms[YIELD + k] * a * a
        stdev = terms[STDEV + k] * a
        log_price = terms[LOG_LIMIT + k] - depth[k]
        price = exp(log_price)
        d_plus = (log_price + rate_t - yield_t) / stdev + 0.5 * stdev
        d_minus = d_plus - stdev
        carry, discount = exp(-yield_t), exp(-rate_t)
        phi = density(d_plus)
        share_leg = carry * cumulative(-d_plus, phi)
        strike_leg = discount * cumulative(-d_minus, density(d_minus))
        half = 0.5 * stdev * stdev
        theta = (
            rate_t * strike_leg - yield_t * price * share_leg - half * price * carry * phi / stdev
        ) / half
        gain = max(1.0 - price - strike_leg + price * share_leg, 1e-9)
        omega = (rate_t - yield_t) / half - 1.0
        m = annuity(rate_t) / half
        square = omega * omega + 4.0 * m
        root = np.sqrt(square)
        c = (discount * m * (1.0 - m / square) - theta / gain) / root
        exponent = -0.5 * (omega + root) + refined * min(max(c, -1.0), 1.0)
        miss = (1.0 - share_leg) * price + exponent * gain
        slope = price * ((1.0 - share_leg) * (1.0 - exponent) + carry * phi / stdev)
        depth[k] = min(max(depth[k] + miss / slope, 0.0), terms[DEEPEST + k])


@inlined
def annuity(x: float) -> float:
    """x/(1 − e^(−x)), at 0, too."""
    is_small = abs(x) < 1e-3
    safe = 1.0 if is_small else x
    series = 1.0 + x * (0.5 + x * (1.0 / 12.0))
    return series if is_small else safe / (1.0 - exp(-safe))


@compiled
def value_block(terms: FloatArray, depth: FloatArray, scheme: Scheme, results: FloatArray) -> None:
    """Price, delta, gamma and premium over the European price of the puts of a block."""
    squares = np.empty(depth.size)
    ahead = np.empty(LANES)
    for k in range(depth.size):
        squares[k] = depth[k] * depth[k]
    for k in range(LANES):
        results[PREMIUM + k] = 0.0
        results[DELTA + k] = 0.0
        results[GAMMA + k] = 0.0
    for j in range(scheme.premium_roots.size):
        _interpolate(squares, scheme.premium_between[j], ahead)
        _add_premium(terms, ahead, scheme.premium_roots[j], scheme.premium_weights[j], results)
    _add_european(terms, depth, results)


@compiled
def _add_premium(
    terms: FloatArray, ahead: FloatArray, a: float, weight: float, results: FloatArray
) -> None:
    """Interest earned on the strike less dividends forgone while exercised, at one time ahead."""
    for k in range(LANES):
        rate_t = terms[RATE + k]
        yield_t = terms[YIELD + k]
        step = terms[STDEV + k] * a
        spot = exp(terms[LOG_SPOT + k])
        log_ratio = terms[LOG_SPOT + k] - terms[LOG_LIMIT + k] + ahead[k]
        d_plus = (log_ratio + (rate_t - yield_t) * a * a) / step + 0.5 * step
        d_minus = d_plus - step
        carry, discount = exp(-yield_t * a * a), exp(-rate_t * a * a)
        phi_plus, phi_minus = density(d_plus), density(d_minus)
        factor = 2.0 * weight * a
        exercised = factor * yield_t * carry * cumulative(-d_plus, phi_plus)
        interest = factor * rate_t * discount
        flow = factor * yield_t * carry * phi_plus / step
        pull = interest * phi_minus / (spot * step)
        results[PREMIUM + k] += interest * cumulative(-d_minus, phi_minus) - spot * exercised
        results[DELTA + k] += flow - pull - exercised
        results[GAMMA + k] += (pull * (1.0 + d_minus / step) + flow * (1.0 - d_plus / step)) / spot


@compiled
def _add_european(terms: FloatArray, depth: FloatArray, results: FloatArray) -> None:
    """Add the European put; at or below the boundary the put is exercised."""
    for k in range(LANES):
        rate_t, yield_t, stdev = terms[RATE + k], terms[YIELD + k], terms[STDEV + k]
        log_spot = terms[LOG_SPOT + k]
        spot = exp(log_spot)
        d_plus = (log_spot + rate_t - yield_t) / stdev + 0.5 * stdev
        d_minus = d_plus - stdev
        carry = exp(-yield_t)
        phi = density(d_plus)
        share_leg = carry * cumulative(-d_plus, phi)
        european = exp(-rate_t) * cumulative(-d_minus, density(d_minus)) - spot * share_leg
        premium = max(results[PREMIUM + k], 0.0)
        price = max(european + premium, 1.0 - spot)
        is_exercised = log_spot <= terms[LOG_LIMIT + k] - depth[k]
        results[PRICE + k] = 1.0 - spot if is_exercised else price
        results[PREMIUM + k] = (1.0 - spot if is_exercised else price) - european
        results[DELTA + k] = -1.0 if is_exercised else results[DELTA + k] - share_leg
        gamma = results[GAMMA + k] + carry * phi / (spot * stdev)
        results[GAMMA + k] = 0.0 if is_exercised else gamma


@compiled
def value_blocks(terms: FloatArray, scheme: Scheme, results: FloatArray) -> None:
    """Solve and value ``(blocks, TERM_ROWS × LANES)`` terms: ``(blocks, RESULT_ROWS × LANES)``."""
    depth = np.empty(scheme.node_roots.size * LANES)
    for b in range(terms.shape[0]):
        solve_boundary(terms[b], scheme, depth)
        value_block(terms[b], depth, scheme, results[b])
