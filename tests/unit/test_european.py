from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.pricing import european

SPOT, STRIKE, YEARS, RATE, YIELD, VOL = 42.0, 40.0, 0.5, 0.10, 0.0, 0.20


def test_prices_agree_with_the_textbook():
    # Hull, "Options, Futures, and Other Derivatives", example 15.6.
    assert european.price(SPOT, STRIKE, YEARS, RATE, YIELD, VOL, True) == pytest.approx(
        4.76, abs=5e-3
    )
    assert european.price(SPOT, STRIKE, YEARS, RATE, YIELD, VOL, False) == pytest.approx(
        0.81, abs=5e-3
    )


def test_an_index_option_with_a_dividend_yield_agrees_with_the_textbook():
    # Hull, example 17.1: two months on an index of 930, yield 3 %.
    value = european.price(930.0, 900.0, 2 / 12, 0.08, 0.03, 0.20, True)
    assert value == pytest.approx(51.83, abs=5e-3)


def test_greeks_agree_with_finite_differences():
    spot, strike = np.array([90.0, 100.0, 115.0])[:, None], np.array([95.0, 100.0, 110.0])
    call = np.array([True, False, True])
    base = (spot, strike, 0.3, 0.04, 0.015, 0.25)
    g = european.greeks(*base, call)

    def bumped(index: int, by: float) -> np.ndarray:
        moved = [*base]
        moved[index] = moved[index] + by
        return european.price(*moved, call)

    def slope(index: int, by: float = 1e-4) -> np.ndarray:
        return (bumped(index, by) - bumped(index, -by)) / (2 * by)

    assert g.price.shape == (3, 3)
    np.testing.assert_allclose(g.delta, slope(0), atol=1e-7)
    curvature = (bumped(0, 1e-2) + bumped(0, -1e-2) - 2 * g.price) / 1e-4
    np.testing.assert_allclose(g.gamma, curvature, atol=1e-6)
    np.testing.assert_allclose(g.vega, slope(5), atol=1e-5)
    np.testing.assert_allclose(g.rho, slope(3), atol=1e-5)
    np.testing.assert_allclose(g.theta_per_day, -slope(2) / 365, atol=1e-7)


prices = st.floats(1, 1000)
rates = st.floats(-0.02, 0.10)


@given(prices, prices, st.floats(0.001, 3), rates, rates, st.floats(0.05, 2))
def test_put_call_parity_holds(
    spot: float, strike: float, years: float, rate: float, dividend: float, vol: float
):
    call = european.price(spot, strike, years, rate, dividend, vol, True)
    put = european.price(spot, strike, years, rate, dividend, vol, False)
    forward = spot * np.exp(-dividend * years) - strike * np.exp(-rate * years)
    assert call - put == pytest.approx(forward, abs=1e-9 * max(spot, strike))


def test_black_76_is_the_generalised_formula_whose_carry_is_nil():
    # Haug, "The Complete Guide to Option Pricing Formulas", 1998, p. 5: options on a future of 19.
    for is_call in (True, False):
        value = european.black76_price(19.0, 19.0, 0.75, 0.10, 0.28, is_call)
        assert value == pytest.approx(1.7011, abs=5e-5)


def test_the_rho_of_black_76_holds_the_forward_still():
    terms = (95.0, 100.0, 0.5)
    up, down = (european.black76_price(*terms, 0.04 + by, 0.3, False) for by in (1e-5, -1e-5))
    g = european.black76_greeks(*terms, 0.04, 0.3, False)
    assert g.rho == pytest.approx((up - down) / 2e-5, rel=1e-7)


def test_at_and_past_expiry_an_option_is_its_intrinsic_value():
    strikes = np.array([90.0, 100.0, 110.0])
    for years in (0.0, -0.2):
        g = european.greeks(100.0, strikes, years, 0.04, 0.01, 0.3, True)
        np.testing.assert_allclose(g.price, [10, 0, 0])
        np.testing.assert_allclose(g.delta, [1, 0.5, 0])
        for rest in (g.gamma, g.vega, g.theta_per_day, g.rho):
            assert not rest.any()


def test_an_unknown_input_gives_an_unknown_price_and_leaves_its_neighbours_alone():
    prices = european.price(100.0, 100.0, 0.5, 0.04, 0.0, np.array([0.2, np.nan]), True)
    assert np.isfinite(prices[0])
    assert np.isnan(prices[1])
