"""Implied volatility, and the greeks at it, of European options: any number of rows at once.

Every argument broadcasts against the others and results have the broadcast shape; units are those
of ``domain.pricing.european``. ``domain.pricing.kernel`` tells of the method and its precision.

Rows without a volatility are nan: at or past expiry, at or below parity, at or above the bound no
volatility reaches, or with an input that is no positive finite number where one is needed.
``domain.pricing.quality`` tells which.

The first call in a process imports numba and loads compiled code (a second or two; a few more
the first time on a machine), so a process that never asks does not pay.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.pricing.european import FloatArray, Floats

_BLOCK = 4096
"""Rows at a time: their columns fit a core's own cache, so that greeks find them there."""


class ImpliedGreeks(NamedTuple):
    """Volatility and sensitivities, each of the broadcast shape; units as ``european.Greeks``."""

    vol: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta_per_day: FloatArray
    rho: FloatArray


def implied_vol(
    price: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    is_call: npt.ArrayLike,
    *,
    threads: int = 1,
) -> FloatArray:
    """The annualised volatility at which each option is worth ``price``; nan where there is none.

    ``threads`` work on slices of the rows; the interpreter is free meanwhile.
    """
    shape, columns = _columns(price, spot, strike, years, rate, dividend_yield, is_call)
    (vol,) = _run(_solve_block, columns, 1, threads)
    return vol.reshape(shape)


def implied_greeks(
    price: Floats,
    spot: Floats,
    strike: Floats,
    years: Floats,
    rate: Floats,
    dividend_yield: Floats,
    is_call: npt.ArrayLike,
    *,
    threads: int = 1,
) -> ImpliedGreeks:
    """The volatility at which each option is worth ``price``, and the greeks at it."""
    shape, columns = _columns(price, spot, strike, years, rate, dividend_yield, is_call)
    results = _run(_solve_block_with_greeks, columns, len(ImpliedGreeks._fields), threads)
    return ImpliedGreeks(*(result.reshape(shape) for result in results))


Columns = list[npt.NDArray[Any]]


def _columns(*inputs: npt.ArrayLike) -> tuple[tuple[int, ...], Columns]:
    """The broadcast shape, and every input flat and contiguous, the last as bool."""
    *floats, is_call = inputs
    arrays = [np.asarray(each, dtype=np.float64) for each in floats]
    flags = np.asarray(is_call, dtype=np.bool_)
    broadcast = np.broadcast_arrays(*arrays, flags)
    return broadcast[0].shape, [np.ascontiguousarray(each).reshape(-1) for each in broadcast]


def _run(
    work: Callable[[Columns, Columns], None], columns: Columns, outputs: int, threads: int
) -> Columns:
    """Call ``work`` on blocks of rows, with as many result columns, on ``threads`` threads."""
    size = len(columns[0])
    results: Columns = [np.empty(size) for _ in range(outputs)]

    def work_between(low: int, high: int) -> None:
        for start in range(low, high, _BLOCK):
            rows = slice(start, min(start + _BLOCK, high))
            work([column[rows] for column in columns], [result[rows] for result in results])

    threads = max(1, min(threads, size // _BLOCK))
    if threads == 1:
        work_between(0, size)
        return results
    edges = [size * part // threads for part in range(threads + 1)]
    with ThreadPoolExecutor(threads, thread_name_prefix="implied-vol") as pool:
        list(pool.map(work_between, edges[:-1], edges[1:]))
    return results


def _solve_block(inputs: Columns, results: Columns) -> None:
    from domain.pricing import kernel  # noqa: PLC0415  # numba: only when asked for

    (vol,) = results
    columns: Columns = [*inputs, vol]
    kernel.solve(*columns)
    if np.any(vol < 0):
        kernel.finish(*columns)


def _solve_block_with_greeks(inputs: Columns, results: Columns) -> None:
    from domain.pricing import kernel  # noqa: PLC0415  # as above

    vol, *greeks = results
    _solve_block(inputs, [vol])
    columns: Columns = [*inputs[1:], vol, *greeks]
    kernel.sensitivities(*columns)
