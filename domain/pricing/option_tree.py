"""Options by a binomial tree: known cash dividends, early exercise anywhere, any sign of rates.

The share price is lognormal between ex-dates and falls by the dividend on each (to nothing where
the dividend is more than the price): the spot, or piecewise lognormal, model. At an ex-date the
value just before is that at the lower price just after, interpolated between the nodes (Vellekoop
and Nieuwenhuis, 2006, "Efficient pricing of derivatives on assets with discrete dividends"), or
what exercise brings, where that is more.

Each stretch between ex-dates has a tree of its own, so that every ex-date falls on a level. Nodes
follow the forward, which keeps probabilities proper at any rate and volatility. The last step is
Black-Scholes', and the trees of N and N/2 steps are extrapolated (Broadie and Detemple, 1996).
Two levels before today make three nodes today: delta and gamma.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from domain.pricing.vector_math import compiled

FloatArray = npt.NDArray[np.float64]

STEPS = 128
_ROOT_HALF = math.sqrt(0.5)
_FEWEST = 2
_SHORTEST = 1e-6
_LOWEST = 1e-3
"""Guards: a stretch's least share of the time, and of the forward that a dividend leaves."""


def tree_value(
    columns: list[FloatArray], ex_years: FloatArray, amounts: FloatArray, *, steady: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Price, delta and gamma per row.

    ``steady``: delta and gamma of the finer tree as they are; where volatility is small beside the
    carry, extrapolating them makes them swing.

    ``columns``: spot, strike, years, rate, dividend yield, vol, is_call, is_american; all finite,
    the first three and vol positive, the flags 1.0 or 0.0. ``ex_years`` and ``amounts``
    ``(rows, dividends)``: time to each ex-date, ascending, and cash per share. Entries that are
    nan, in the past or after expiry do not count.
    """
    rows = np.stack(columns, axis=1)
    results = np.empty((len(rows), 3))
    coarse = np.empty(3)
    fine = np.empty(3)
    for i, (row, times, cash) in enumerate(zip(rows, ex_years, amounts, strict=True)):
        counts = (times > 0) & (times <= row[2]) & (cash > 0)
        due, paid = times[counts], cash[counts]
        _tree(row, due, paid, STEPS, fine)
        _tree(row, due, paid, STEPS // 2, coarse)
        results[i] = 2 * fine - coarse
        if steady:
            results[i, 1:] = fine[1:]
    price, delta, gamma = results.T
    return price, delta, gamma


class _Stretch(NamedTuple):
    """The tree between two ex-dates, today and expiry being the outermost."""

    years: float
    steps: int
    width: int
    """Nodes at its start; every step adds one."""
    centre: float
    """The price in the middle at its start."""
    half: float
    """Half the distance of neighbouring nodes in ln S: one step's standard deviation."""


@compiled
def _tree(
    row: FloatArray, times: FloatArray, cash: FloatArray, steps: int, result: FloatArray
) -> None:
    """Price, delta and gamma of one option by trees of about ``steps`` steps in all."""
    years, growth = row[2], row[3] - row[4]
    stretches = [_Stretch(0.0, 0, 3, row[0], 0.0)]
    for s in range(times.size + 1):
        start = times[s - 1] if s > 0 else 0.0
        length = (times[s] if s < times.size else years) - start
        paid = cash[s] if s < times.size else 0.0
        stretches.append(_fitted(stretches[-1], length, row, steps))
        stretches.append(_following(stretches[-1], growth, paid))
    last = stretches[-2]
    value = np.empty(last.width + last.steps)
    _back_from_expiry(row, last, value)
    for s in range(times.size - 1, -1, -1):
        before, after = stretches[2 * s + 1], stretches[2 * s + 3]
        level = np.empty(before.width + before.steps)
        _across_ex_date(row, years - times[s], cash[s], before, after, value, level)
        _back(row, before, before.steps, level)
        value = level
    _differences(row[0], 2.0 * stretches[1].half, value, result)


@compiled
def _fitted(start: _Stretch, length: float, row: FloatArray, steps: int) -> _Stretch:
    """Steps in proportion to time; ``start.half`` is the half-width in ln S to be covered."""
    count = max(_FEWEST, round(steps * length / row[2]))
    length = max(length, _SHORTEST * row[2])
    half = row[5] * math.sqrt(length / count)
    width = start.width
    if start.half > 0.0:
        width = max(2 * math.ceil(start.half / (2.0 * half)) + 3, 5)
    return _Stretch(length, count, width, start.centre, half)


@compiled
def _following(before: _Stretch, growth: float, paid: float) -> _Stretch:
    """Where the next stretch must begin: its centre, and in ``half`` the half-width to cover."""
    reach = before.half * (before.width - 1 + before.steps)
    forward = before.centre * math.exp(growth * before.years)
    centre = max(forward - paid, _LOWEST * forward)
    top = math.log(max(forward * math.exp(reach) - paid, centre) / centre)
    return _Stretch(0.0, 0, 0, centre, max(reach, top))


@compiled
def _back_from_expiry(row: FloatArray, last: _Stretch, value: FloatArray) -> None:
    """The last stretch: Black-Scholes over its last step, then back to its start."""
    strike, rate, growth = row[1], row[3], row[3] - row[4]
    sign = 1.0 if row[6] > 0.0 else -1.0
    step = last.years / last.steps
    discount = math.exp(-rate * step)
    nodes = last.width + last.steps - 1
    for j in range(nodes):
        forward = last.centre * math.exp(growth * last.years + last.half * (2 * j - nodes + 1))
        d_plus = math.log(forward / strike) / last.half + 0.5 * last.half
        d_minus = d_plus - last.half
        share_leg = 0.5 * forward * math.erfc(-sign * d_plus * _ROOT_HALF)
        strike_leg = 0.5 * strike * math.erfc(-sign * d_minus * _ROOT_HALF)
        value[j] = discount * sign * (share_leg - strike_leg)
        if row[7] > 0.0:
            value[j] = max(value[j], sign * (forward * math.exp(-growth * step) - strike))
    _back(row, last, last.steps - 1, value)


@compiled
def _back(row: FloatArray, stretch: _Stretch, level: int, value: FloatArray) -> None:
    """From ``level`` of a stretch to its start, in place."""
    strike, growth = row[1], row[3] - row[4]
    sign = 1.0 if row[6] > 0.0 else -1.0
    step = stretch.years / stretch.steps
    up = math.exp(-row[3] * step) / (1.0 + math.exp(stretch.half))
    down = math.exp(-row[3] * step) - up
    ladder = np.empty(stretch.width + level)
    for j in range(ladder.size):
        ladder[j] = sign * math.exp(2.0 * stretch.half * j)
    for k in range(level - 1, -1, -1):
        nodes = stretch.width + k
        for j in range(nodes):
            value[j] = up * value[j + 1] + down * value[j]
        if row[7] > 0.0:
            lowest = stretch.centre * math.exp(growth * k * step - stretch.half * (nodes - 1))
            for j in range(nodes):
                value[j] = max(value[j], lowest * ladder[j] - sign * strike)


@compiled
def _across_ex_date(
    row: FloatArray,
    years_left: float,
    paid: float,
    before: _Stretch,
    after: _Stretch,
    value: FloatArray,
    level: FloatArray,
) -> None:
    """Values just before the ex-date, ``level``, from those just after it at the lower price."""
    strike, growth = row[1], row[3] - row[4]
    sign = 1.0 if row[6] > 0.0 else -1.0
    forward = before.centre * math.exp(growth * before.years)
    lowest = after.centre * math.exp(-after.half * (after.width - 1))
    worthless = 0.0
    if sign < 0.0:
        worthless = strike if row[7] > 0.0 else strike * math.exp(-row[3] * years_left)
    for j in range(level.size):
        price = forward * math.exp(before.half * (2 * j - level.size + 1))
        left = max(price - paid, 0.0)
        if left <= lowest:
            level[j] = worthless + (value[0] - worthless) * left / lowest
        else:
            level[j] = _cubic(value, after.width, math.log(left / lowest) / (2.0 * after.half))
        if row[7] > 0.0:
            level[j] = max(level[j], sign * (price - strike))


@compiled
def _cubic(value: FloatArray, size: int, position: float) -> float:
    """Lagrange's polynomial through the four nodes around a position."""
    i = min(max(int(position), 1), size - 3)
    t = position - i
    return (
        -value[i - 1] * t * (t - 1.0) * (t - 2.0) / 6.0
        + value[i] * (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0
        - value[i + 1] * (t + 1.0) * t * (t - 2.0) / 2.0
        + value[i + 2] * (t + 1.0) * t * (t - 1.0) / 6.0
    )


@compiled
def _differences(spot: float, gap: float, value: FloatArray, result: FloatArray) -> None:
    """Price, delta and gamma from the nodes spot·e^(−gap), spot and spot·e^gap."""
    rise, fall = spot * math.expm1(gap), -spot * math.expm1(-gap)
    above, below = (value[2] - value[1]) / rise, (value[1] - value[0]) / fall
    result[0] = value[1]
    result[1] = (above * fall + below * rise) / (rise + fall)
    result[2] = 2.0 * (above - below) / (rise + fall)
