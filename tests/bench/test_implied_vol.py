"""Implied volatility and five greeks of a million options, beside the fastest public solvers."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from mpmath import mp, mpf  # pyright: ignore[reportMissingTypeStubs]

from domain.pricing import european
from domain.pricing.implied_vol import implied_greeks, implied_vol
from tests.bench.harness import OURS, Bench, interleaved
from tests.unit.test_implied_vol import RATE, SPOT, YIELD, exact, exact_vol

pytestmark = pytest.mark.bench
ROWS = 1_000_000
THREADS = 2
WHAT = f"implied vol + 5 greeks, {ROWS:,} options"
IV_ENGINE, JACKEL, NUMPY = "iv-engine", "fast-vollib, jackel", "numpy, 8 Newton steps"


class Market(NamedTuple):
    """Out of the money to 4 deviations, an hour to two years, 5 to 150 % volatility, shuffled."""

    spot: np.ndarray
    strike: np.ndarray
    years: np.ndarray
    rate: np.ndarray
    dividend_yield: np.ndarray
    vol: np.ndarray
    is_call: np.ndarray
    price: np.ndarray


def market() -> Market:
    rng = np.random.default_rng(7)
    years = np.exp(rng.uniform(np.log(1 / 8766), np.log(2), ROWS))
    vol = np.exp(rng.uniform(np.log(0.05), np.log(1.5), ROWS))
    spot, rate, paid = np.full(ROWS, 100.0), np.full(ROWS, 0.03), np.full(ROWS, 0.01)
    strike = spot * np.exp((rate - paid) * years + rng.uniform(-4, 4, ROWS) * vol * np.sqrt(years))
    is_call = strike > spot * np.exp((rate - paid) * years)
    price = european.price(spot, strike, years, rate, paid, vol, is_call)
    return Market(spot, strike, years, rate, paid, vol, is_call, price)


def ours(m: Market) -> Callable[[], Any]:
    terms = (m.price, m.spot, m.strike, m.years, m.rate, m.dividend_yield, m.is_call)
    return lambda: implied_greeks(*terms, threads=THREADS)


def iv_engine(m: Market) -> Callable[[], Any]:
    """Its solver and its three greeks, parallel as by default; theta and rho it has none.

    It takes calls and puts apart; they are sorted for it outside of the time.
    """
    engine = importlib.import_module("iv_engine").batch
    sides = [(Market(*(column[rows] for column in m)), bool(side))
             for side in (True, False) for rows in [m.is_call == side]]  # fmt: skip

    def run() -> None:
        for side, is_call in sides:
            forward = side.spot * np.exp((side.rate - side.dividend_yield) * side.years)
            undiscounted = side.price * np.exp(side.rate * side.years)
            vol = engine.implied_volatilities(
                undiscounted, forward, side.strike, side.years, is_call
            )
            engine.deltas(forward, side.strike, side.years, vol, is_call)
            engine.gammas(forward, side.strike, side.years, vol)
            engine.vegas(forward, side.strike, side.years, vol)

    return run


def jackel(m: Market) -> Callable[[], Any]:
    """Its solver alone: the greeks it offers come as a table and would only slow it down."""
    solver = importlib.import_module("fast_vollib.jackel").jackel_iv_black
    forward = m.spot * np.exp((m.rate - m.dividend_yield) * m.years)
    undiscounted = m.price * np.exp(m.rate * m.years)
    return lambda: solver(undiscounted, forward, m.strike, m.years, m.is_call)


def newton(m: Market) -> Callable[[], Any]:
    """The plain route: Newton's steps from the inflexion point in numpy, then our numpy greeks."""
    terms = (m.spot, m.strike, m.years, m.rate, m.dividend_yield)

    def run() -> None:
        moneyness = np.log(m.spot / m.strike) + (m.rate - m.dividend_yield) * m.years
        vol = np.sqrt(2 * np.abs(moneyness) / m.years) + 1e-3
        for _ in range(8):
            g = european.greeks(*terms, vol, m.is_call)
            vol = np.clip(vol - (g.price - m.price) / np.maximum(g.vega, 1e-12), 1e-3, 10)
        european.greeks(*terms, vol, m.is_call)

    return run


def test_a_million_volatilities_and_greeks_beside_the_fastest_solvers(bench: Bench):
    m = market()
    contenders = {OURS: ours(m)}
    for name, peer in ((IV_ENGINE, iv_engine), (JACKEL, jackel), (NUMPY, newton)):
        try:
            contenders[name] = peer(m)
        except ModuleNotFoundError:
            continue
    timings = interleaved(contenders, rounds=5)
    bench.at_least(WHAT, timings, peer=IV_ENGINE, times=3)
    bench.at_least(WHAT, timings, peer=JACKEL, times=6)
    bench.at_least(WHAT, timings, peer=NUMPY, times=3)


def test_the_largest_error_far_out_and_close_to_expiry(bench: Bench):
    rng = np.random.default_rng(11)
    rows = 500
    years = np.exp(rng.uniform(np.log(1 / 8766), np.log(10 / 365), rows))
    vol = np.exp(rng.uniform(np.log(0.05), np.log(1.5), rows))
    far = rng.uniform(3.5, 8, rows) * rng.choice([-1.0, 1.0], rows)
    strike = SPOT * np.exp((RATE - YIELD) * years + far * vol * np.sqrt(years))
    sign = np.sign(far)
    with mp.workdps(40):
        contracts = list(zip(strike, years, vol, sign, strict=True))
        price = np.array([float(exact(k, t, mpf(float(v)), s)[0]) for k, t, v, s in contracts])
        found = implied_vol(price, SPOT, strike, years, RATE, YIELD, sign > 0)
        true = [exact_vol(p, *each) for p, each in zip(price, contracts, strict=True)]
        error = max(
            float(abs(mpf(float(one)) - other)) for one, other in zip(found, true, strict=True)
        )
    what = "largest error of implied vol, 3.5-8 deviations out, 1 h - 10 d"
    bench.within(what, error, 5e-14, against=f"40 digits, {rows} options")
