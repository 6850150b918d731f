"""Implied volatility against forty-digit arithmetic, and the greeks against the plain formulas."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from mpmath import mp, mpf  # pyright: ignore[reportMissingTypeStubs]

from domain.pricing import european
from domain.pricing.implied_vol import implied_greeks, implied_vol
from tests.bench import pricing_coefficients

RATE, YIELD, SPOT = 0.03, 0.013, 100.0
HOUR, DAY = 1 / 8766, 1 / 365.25
ROWS = 60


def exact(strike: float, years: float, vol: mpf, sign: float) -> tuple[mpf, mpf]:
    """Value and vega in forty digits, of exactly these floats."""
    r, q, s, k, term = (mpf(float(each)) for each in (RATE, YIELD, SPOT, strike, years))
    total = vol * mp.sqrt(term)
    d1 = (mp.log(s / k) + (r - q) * term) / total + total / 2
    d2 = d1 - total
    spot_value, strike_value = s * mp.exp(-q * term), k * mp.exp(-r * term)
    value = sign * (spot_value * mp.ncdf(sign * d1) - strike_value * mp.ncdf(sign * d2))
    return value, spot_value * mp.npdf(d1) * mp.sqrt(term)


def exact_vol(price: float, strike: float, years: float, near: float, sign: float) -> mpf:
    """The volatility of exactly this float as price, from one known to ten digits or more."""
    vol = mpf(float(near))
    for _ in range(3):
        value, vega = exact(strike, years, vol, sign)
        vol -= (value - mpf(float(price))) / vega
    return vol


@pytest.mark.parametrize(
    ("least", "most", "shortest", "longest"),
    [
        pytest.param(0.0, 0.1, HOUR, 2.0, id="at the money"),
        pytest.param(0.0, 3.5, HOUR, 2.0, id="to 3.5 standard deviations"),
        pytest.param(3.5, 8.0, HOUR, 10 * DAY, id="3.5 to 8, an hour to ten days"),
        pytest.param(0.0, 8.0, HOUR / 60, HOUR, id="in the last hour"),
        pytest.param(8.0, 30.0, DAY, 1.0, id="absurdly far"),
    ],
)
def test_the_error_out_of_the_money_stays_within_5e_14(
    least: float, most: float, shortest: float, longest: float
):
    rng = np.random.default_rng(3)
    years = np.exp(rng.uniform(np.log(shortest), np.log(longest), ROWS))
    vol = np.exp(rng.uniform(np.log(0.05), np.log(1.5), ROWS))
    far = rng.uniform(least, most, ROWS) * rng.choice([-1.0, 1.0], ROWS)
    strike = SPOT * np.exp((RATE - YIELD) * years + far * vol * np.sqrt(years))
    sign = np.where(far > 0, 1.0, -1.0)
    with mp.workdps(40):
        price = np.array(
            [
                float(exact(k, t, mpf(float(v)), s)[0])
                for k, t, v, s in zip(strike, years, vol, sign, strict=True)
            ]
        )
        found = implied_vol(price, SPOT, strike, years, RATE, YIELD, sign > 0)
        for row in range(ROWS):
            true = exact_vol(price[row], strike[row], years[row], vol[row], sign[row])
            error = abs(mpf(float(found[row])) - true)
            assert error <= 5e-14 * max(1.0, vol[row])
            assert error <= 5e-14 * min(1.0, 20 * vol[row])


def test_a_volatility_beyond_any_listed_option_s_is_found_as_well_as_its_price_tells_it():
    vol = np.array([3.0, 5.0, 7.0, 8.0])
    price = european.price(SPOT, 130.0, 1.0, RATE, YIELD, vol, True)
    found = implied_vol(price, SPOT, 130.0, 1.0, RATE, YIELD, True)
    np.testing.assert_allclose(found, vol, rtol=1e-9)


def test_in_the_money_the_time_value_above_parity_decides():
    years, strike = 0.1, np.array([60.0, 80.0, 95.0, 105.0, 120.0, 140.0])
    is_call = strike < SPOT
    price = european.price(SPOT, strike, years, RATE, YIELD, 0.6, is_call)
    found = implied_vol(price, SPOT, strike, years, RATE, YIELD, is_call)
    vega = european.greeks(SPOT, strike, years, RATE, YIELD, 0.6, is_call).vega
    # What is in a price's last bit is all there is to know.
    assert np.all(np.abs(found - 0.6) <= 8 * np.spacing(price) / vega)


def test_the_greeks_agree_with_the_plain_formulas_to_1e_11():
    rng = np.random.default_rng(5)
    rows = 20_000
    years = np.exp(rng.uniform(np.log(HOUR), np.log(3), rows))
    vol = np.exp(rng.uniform(np.log(0.05), np.log(2), rows))
    strike = SPOT * np.exp(rng.uniform(-5, 5, rows) * vol * np.sqrt(years))
    is_call = strike > SPOT
    terms = (SPOT, strike, years, RATE, YIELD)
    price = european.price(*terms, vol, is_call)
    ours = implied_greeks(price, *terms, is_call, threads=2)
    plain = european.greeks(*terms, ours.vol, is_call)
    np.testing.assert_array_equal(ours.vol, implied_vol(price, *terms, is_call))
    for name in ("delta", "gamma", "vega", "rho"):
        np.testing.assert_allclose(getattr(ours, name), getattr(plain, name), rtol=1e-11)
    scale = np.abs(plain.gamma) * (SPOT * vol) ** 2 / 730 + 1e-300
    assert np.all(np.abs(ours.theta_per_day - plain.theta_per_day) <= 1e-11 * scale)


def test_the_other_side_has_greeks_by_parity():
    strike = np.array([70.0, 100.0, 130.0])
    terms = (SPOT, strike, 0.3, RATE, YIELD)
    put, call = (
        implied_greeks(european.price(*terms, 0.5, is_call), *terms, is_call)
        for is_call in (False, True)
    )
    np.testing.assert_allclose(call.delta - put.delta, np.exp(-YIELD * 0.3), rtol=1e-13)
    np.testing.assert_allclose(call.gamma, put.gamma, rtol=1e-11)
    np.testing.assert_allclose(call.vega, put.vega, rtol=1e-11)


NAN = float("nan")


@pytest.mark.parametrize(
    ("price", "spot", "strike", "years", "rate"),
    [
        pytest.param(0.0, 100.0, 90.0, 0.5, 0.04, id="worth nothing"),
        pytest.param(-1.0, 100.0, 90.0, 0.5, 0.04, id="worth less than nothing"),
        pytest.param(1.0, 100.0, 90.0, 0.5, 0.04, id="below parity"),
        pytest.param(100.0, 100.0, 90.0, 0.5, 0.04, id="at the bound"),
        pytest.param(1e9, 100.0, 90.0, 0.5, 0.04, id="above the bound"),
        pytest.param(NAN, 100.0, 90.0, 0.5, 0.04, id="no price"),
        pytest.param(5.0, NAN, 90.0, 0.5, 0.04, id="no spot"),
        pytest.param(5.0, 100.0, NAN, 0.5, 0.04, id="no strike"),
        pytest.param(5.0, 100.0, 90.0, NAN, 0.04, id="no term"),
        pytest.param(5.0, 100.0, 90.0, 0.5, NAN, id="no rate"),
        pytest.param(5.0, 0.0, 90.0, 0.5, 0.04, id="spot of nothing"),
        pytest.param(5.0, 100.0, -90.0, 0.5, 0.04, id="negative strike"),
        pytest.param(5.0, 100.0, 90.0, 0.0, 0.04, id="expiring"),
        pytest.param(5.0, 100.0, 90.0, -0.1, 0.04, id="expired"),
        pytest.param(np.inf, 100.0, 90.0, 0.5, 0.04, id="infinite price"),
        pytest.param(5.0, np.inf, 90.0, 0.5, 0.04, id="infinite spot"),
        pytest.param(5.0, 100.0, np.inf, 0.5, 0.04, id="infinite strike"),
        pytest.param(5.0, 100.0, 90.0, 0.5, np.inf, id="infinite rate"),
    ],
)
def test_a_row_without_a_volatility_is_nan_and_leaves_its_neighbours_alone(
    price: float, spot: float, strike: float, years: float, rate: float
):
    good = (14.0, 100.0, 90.0, 0.5, 0.04)
    rows = np.array([good, (price, spot, strike, years, rate), good]).T
    found = implied_greeks(*rows, 0.0, True)
    for column in found:
        assert np.isfinite(column[[0, 2]]).all()
        assert np.isnan(column[1])


def test_shapes_broadcast_and_nothing_is_asked_of_nothing():
    strikes = np.array([90.0, 100.0, 110.0])
    assert implied_vol(5.0, [[100.0], [101.0]], strikes, 1.0, 0.0, 0.0, False).shape == (2, 3)
    assert implied_vol(5.0, 100.0, 100.0, 1.0, 0.0, 0.0, True).shape == ()
    assert implied_vol([], 100.0, 100.0, 1.0, 0.0, 0.0, True).shape == (0,)


def test_who_never_asks_for_a_volatility_does_not_load_numba():
    code = "import sys, domain.pricing.implied_vol; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_coefficients_are_those_the_kept_script_writes():
    source = pricing_coefficients.__file__.replace(
        "tests/bench/pricing_coefficients.py", "domain/pricing/coefficients.py"
    )
    with open(source, encoding="utf-8") as kept:
        assert kept.read() == pricing_coefficients.module()
