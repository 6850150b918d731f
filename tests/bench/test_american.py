"""American prices against QuantLib's own boundary method; dividends and the stress grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from scipy.special import ndtr

from domain.pricing import american
from domain.pricing.american_boundary import Scheme
from domain.pricing.options import CashDividends, OptionColumns, price_options
from domain.risk.stress import OptionBook, StressGrid, stress_options
from tests.bench.harness import Bench, interleaved

pytestmark = pytest.mark.bench

OPTIONS = 10_000
TODAY = ql.Date(1, 6, 2026)


class Puts(NamedTuple):
    """Random puts with strike 100 within 1.5 standard deviations: a week to three years."""

    spot: np.ndarray
    days: np.ndarray
    rate: np.ndarray
    dividend_yield: np.ndarray
    vol: np.ndarray

    def ours(self, accuracy: Scheme) -> np.ndarray:
        """Price, with delta and gamma."""
        years = self.days / 365
        terms = (self.spot, 100.0, years, self.rate, self.dividend_yield, self.vol, False)
        return american.value(*terms, accuracy)[0]


def random_puts() -> Puts:
    rng = np.random.default_rng(11)
    days = rng.choice([7, 30, 91, 182, 365, 1095], OPTIONS)
    vol = rng.uniform(0.10, 0.80, OPTIONS)
    spot = 100 * np.exp(rng.uniform(-1.5, 1.5, OPTIONS) * vol * np.sqrt(days / 365))
    return Puts(spot, days, rng.uniform(0.005, 0.10, OPTIONS), rng.uniform(0, 0.08, OPTIONS), vol)


def quantlib_options(puts: Puts, scheme: ql.QdFpIterationScheme) -> list[ql.VanillaOption]:
    ql.Settings.instance().evaluationDate = TODAY
    count = ql.Actual365Fixed()

    def flat(level: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, level, count))

    options = []
    for spot, days, rate, dividend, vol in zip(*(c.tolist() for c in puts), strict=True):
        surface = ql.BlackConstantVol(TODAY, ql.NullCalendar(), vol, count)
        process = ql.BlackScholesMertonProcess(
            ql.QuoteHandle(ql.SimpleQuote(spot)),
            flat(dividend),
            flat(rate),
            ql.BlackVolTermStructureHandle(surface),
        )
        payoff = ql.PlainVanillaPayoff(ql.Option.Put, 100.0)
        option = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, TODAY + days))
        option.setPricingEngine(ql.QdFpAmericanEngine(process, scheme))
        options.append(option)
    return options


def valuing(options: list[ql.VanillaOption]) -> Callable[[], np.ndarray]:
    """Price only, what is prepared once left out of the time."""

    def value() -> np.ndarray:
        prices = []
        for option in options:
            option.recalculate()
            prices.append(option.NPV())
        return np.array(prices)

    return value


@pytest.mark.parametrize(
    ("name", "accuracy", "peer", "times"),
    [
        ("fast", american.FAST, ql.QdFpAmericanEngine.fastScheme(), 3),
        ("accurate", american.ACCURATE, ql.QdFpAmericanEngine.accurateScheme(), 6),
    ],
)
def test_american_prices_with_delta_and_gamma(
    bench: Bench, name: str, accuracy: Scheme, peer: ql.QdFpIterationScheme, times: float
):
    puts = random_puts()
    some = Puts(*(column[:1000] for column in puts))
    truth = valuing(quantlib_options(some, ql.QdFpAmericanEngine.highPrecisionScheme()))()
    theirs = valuing(quantlib_options(puts, peer))
    contenders = {"ours": lambda: puts.ours(accuracy), "QuantLib QdFp": theirs}
    timings = interleaved(contenders, rounds=5)
    what = f"American, 10,000 options, {name}"
    bench.at_least(what, timings, peer="QuantLib QdFp", times=times)
    error = float(np.sqrt(np.mean((puts.ours(accuracy)[:1000] - truth) ** 2)))
    allowed = float(np.sqrt(np.mean((theirs()[:1000] - truth) ** 2)))
    bench.within(
        f"{what}: RMSE on strike 100", error, allowed, against=f"QuantLib QdFp: {allowed:.2g}"
    )


def test_a_chain_with_known_dividends_takes_well_under_a_tenth_of_a_second(bench: Bench):
    rng = np.random.default_rng(3)
    rows = 500
    chain = OptionColumns(
        100.0, rng.uniform(70, 130, rows), 0.5, 0.04, 0.0, 0.3, rng.random(rows) < 0.5, True
    )
    due = CashDividends(np.tile([0.1, 0.35], (rows, 1)), np.tile([0.8, 0.8], (rows, 1)))
    timings = interleaved({"ours": lambda: price_options(chain, due)}, rounds=9)
    bench.within(
        "500 options × 2 dividends, all greeks, s", timings.median("ours"), 0.1, against="–"
    )


def test_the_stress_grid_costs_no_more_than_twice_bare_prices(bench: Bench):
    rng = np.random.default_rng(2)
    rows = 1000
    book = OptionBook(
        quantity=rng.integers(-10, 10, rows).astype(np.float64),
        multiplier=np.full(rows, 100.0),
        spot=np.full(rows, 100.0),
        strike=100 * np.exp(rng.normal(0, 0.15, rows)),
        years=rng.uniform(0.02, 1, rows),
        vol=rng.uniform(0.15, 0.6, rows),
        rate=np.full(rows, 0.04),
        dividend_yield=np.full(rows, 0.01),
        is_call=rng.random(rows) < 0.5,
        is_american=rng.random(rows) < 0.7,
        underlying=rng.integers(0, 40, rows),
    )
    grid = StressGrid(tuple(np.linspace(-0.3, 0.3, 31)), (-0.25, 0.0, 0.5))

    def bare_prices() -> np.ndarray:
        """European values of every cell in numpy, nothing summed."""
        spot = book.spot[:, None, None] * (1 + np.array(grid.spot_moves))[:, None]
        vol = (book.vol[:, None] * (1 + np.array(grid.vol_shifts)))[:, None, :]
        strike, years = book.strike[:, None, None], book.years[:, None, None]
        stdev = vol * np.sqrt(years)
        d_plus = (np.log(spot / strike) + 0.03 * years) / stdev + 0.5 * stdev
        carried, paid = spot * np.exp(-0.01 * years), strike * np.exp(-0.04 * years)
        call = carried * ndtr(d_plus) - paid * ndtr(d_plus - stdev)
        return np.where(book.is_call[:, None, None], call, call - carried + paid)

    timings = interleaved(
        {"ours": lambda: stress_options(book, grid, 40), "numpy": bare_prices}, rounds=25
    )
    what = "stress grid, 1,000 positions × 31 spots × 3 vols"
    bench.at_most(what, timings, peer="numpy", ratio=2)
