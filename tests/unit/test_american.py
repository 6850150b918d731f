from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.pricing import american, european

TABLES = Path(__file__).parents[3] / "shared" / "data" / "reference_tables"


def table(name: str) -> list[dict[str, str]]:
    path = TABLES / name
    if not path.exists():
        pytest.skip(f"the reference table {name} is not on this machine")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def column(rows: list[dict[str, str]], name: str) -> np.ndarray:
    return np.array([float(row[name]) for row in rows])


def priced(rows: list[dict[str, str]]) -> american.AmericanGreeks:
    names = ("S", "K", "T", "r", "q", "vol")
    return american.greeks(
        *(column(rows, n) for n in names), np.array([row["type"] == "call" for row in rows])
    )


def test_prices_agree_with_the_high_precision_table():
    rows = table("american_high_precision.csv")
    ours = priced(rows)
    np.testing.assert_allclose(ours.price, column(rows, "true_american_check"), atol=1e-5)
    np.testing.assert_allclose(ours.premium, column(rows, "premium_check"), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("american_published_approximations.csv", "true_american_check"),
        ("longstaff_schwartz_2001_table1.csv", "check_continuous_american"),
    ],
)
def test_prices_agree_with_the_recomputed_true_price_of_published_tables(name: str, truth: str):
    rows = table(name)
    # Strikes are 40 and 100; the longest, at rates far above the volatility, err most.
    np.testing.assert_allclose(priced(rows).price, column(rows, truth), atol=5e-4)


def oracle(spot: float, days: int, rate: float, dividend: float, vol: float, call: bool) -> float:
    """QuantLib's own boundary method at high precision, strike 100."""
    today = ql.Date(1, 6, 2026)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()

    def flat(level: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, level, count))

    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(spot)),
        flat(dividend),
        flat(rate),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), vol, count)),
    )
    kind = ql.Option.Call if call else ql.Option.Put
    option = ql.VanillaOption(
        ql.PlainVanillaPayoff(kind, 100.0), ql.AmericanExercise(today, today + days)
    )
    scheme = ql.QdFpAmericanEngine.highPrecisionScheme()
    option.setPricingEngine(ql.QdFpAmericanEngine(process, scheme))
    return option.NPV()


spots = st.floats(60, 160)
terms = st.integers(2, 1000)
rates = st.floats(0.001, 0.10)
vols = st.floats(0.08, 1.2)


@settings(max_examples=150, deadline=None)
@given(spots, terms, rates, st.floats(0, 0.10), vols, st.booleans())
def test_prices_agree_with_quantlib(
    spot: float, days: int, rate: float, dividend: float, vol: float, call: bool
):
    years = days / 365
    expected = oracle(spot, days, rate, dividend, vol, call)
    fine, _, _ = american.value(spot, 100, years, rate, dividend, vol, call)
    fast, _, _ = american.value(spot, 100, years, rate, dividend, vol, call, american.FAST)
    assert fine == pytest.approx(expected, abs=2e-3)
    assert fast == pytest.approx(expected, abs=6e-3)


@settings(max_examples=100, deadline=None)
@given(
    st.floats(20, 500),
    st.floats(1e-4, 3),
    st.floats(-0.03, 0.12),
    st.floats(-0.03, 0.12),
    st.floats(0.03, 1.5),
    st.booleans(),
)
def test_it_is_worth_no_less_than_its_exercise_and_the_european_and_grows_with_volatility(
    spot: float, years: float, rate: float, dividend: float, vol: float, call: bool
):
    ladder = np.linspace(0.8, 1.25, 40) * 100
    price, delta, gamma = american.value(spot, ladder, years, rate, dividend, vol, call)
    plain = european.price(spot, ladder, years, rate, dividend, vol, call)
    assert (price >= np.maximum((spot - ladder) * (1 if call else -1), 0) - 1e-9).all()
    assert (price >= plain - 1e-9).all()
    side = 1 if call else -1
    assert (side * np.diff(price) <= 1e-6).all()
    assert (np.diff(price, 2) >= -2e-2).all()
    assert (side * delta >= -1e-3).all()
    # A negative yield makes a share held grow in number: delta may be above 1.
    assert (side * delta <= np.exp(max(-dividend, 0) * years) + 1e-2).all()
    assert (gamma >= -1e-2).all()
    louder, _, _ = american.value(spot, ladder, years, rate, dividend, vol * 1.1, call)
    assert (louder >= price - 5e-3).all()


@settings(max_examples=60, deadline=None)
@given(
    st.floats(90, 112),
    st.integers(200, 1095),
    st.floats(0.05, 0.12),
    st.floats(0.03, 0.08),
    st.booleans(),
)
@example(101.2, 985, 0.113, 0.07, True)
@example(99.3, 1008, 0.114, 0.07, False)
def test_a_volatility_small_beside_the_carry_is_no_harm(
    spot: float, days: int, carry: float, vol: float, call: bool
):
    rate, dividend = (0.0, carry) if call else (carry, 0.0)
    price, delta, gamma = american.value(spot, 100, days / 365, rate, dividend, vol, call)
    assert price == pytest.approx(oracle(spot, days, rate, dividend, vol, call), abs=0.05)
    assert -1e-9 <= (delta if call else -delta) <= 1 + 1e-9
    assert gamma >= -1e-9


def test_a_call_is_the_put_with_spot_and_strike_rate_and_yield_exchanged():
    call, _, _ = american.value(110, 95, 0.7, 0.02, 0.06, 0.3, True)
    put, _, _ = american.value(95, 110, 0.7, 0.06, 0.02, 0.3, False)
    assert call == pytest.approx(float(put), abs=1e-12)


def test_greeks_agree_with_finite_differences_of_the_price():
    spot = np.array([92.0, 100.0, 108.0, 125.0])[:, None]
    is_call = np.array([False, True])
    base = (spot, 100.0, 0.6, 0.05, 0.04, 0.3)
    ours = american.greeks(*base, is_call)

    def slope(index: int, by: float) -> np.ndarray:
        def at(step: float) -> np.ndarray:
            moved = [*base]
            moved[index] = moved[index] + step
            return american.value(*moved, is_call)[0]

        return (at(by) - at(-by)) / (2 * by)

    np.testing.assert_allclose(ours.delta, slope(0, 1e-2), atol=1e-4)
    up = american.value(spot + 0.05, *base[1:], is_call)[1]
    down = american.value(spot - 0.05, *base[1:], is_call)[1]
    np.testing.assert_allclose(ours.gamma, (up - down) / 0.1, atol=2e-4)
    np.testing.assert_allclose(ours.vega, slope(5, 1e-3), atol=1e-2)
    np.testing.assert_allclose(ours.rho, slope(3, 1e-3), atol=1e-2)
    np.testing.assert_allclose(ours.theta_per_day, -slope(2, 1e-3) / 365, atol=1e-5)


@pytest.mark.parametrize(
    ("rate", "dividend", "is_call"),
    [(0.0, 0.03, False), (0.05, 0.0, True), (-0.01, 0.0, False), (0.0, -0.02, True)],
)
def test_without_a_reason_to_exercise_early_it_is_european(
    rate: float, dividend: float, is_call: bool
):
    ours = american.greeks(90.0, 100.0, 1.0, rate, dividend, 0.25, is_call)
    assert ours.price == european.price(90.0, 100.0, 1.0, rate, dividend, 0.25, is_call)
    assert ours.premium == 0


def test_between_two_negative_rates_exercise_still_has_a_value():
    # yield < rate < 0: a put is exercised between two boundaries.
    ours = american.greeks(92.0, 100.0, 1.0, -0.01, -0.05, 0.2, False)
    plain = european.price(92.0, 100.0, 1.0, -0.01, -0.05, 0.2, False)
    assert ours.price > plain + 0.1
    assert ours.price >= 8.0


def test_far_in_the_money_it_is_exercised_now():
    ours = american.greeks(40.0, 100.0, 0.5, 0.06, 0.0, 0.2, False)
    figures = (ours.price, ours.delta, ours.gamma, ours.vega, ours.theta_per_day, ours.rho)
    assert np.array(figures).tolist() == [60.0, -1.0, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("years", [0.0, -0.1])
def test_at_expiry_it_is_its_intrinsic_value(years: float):
    assert american.greeks(90.0, 100.0, years, 0.05, 0.0, 0.2, False).price == 10.0


def test_a_minute_from_expiry_it_is_nearly_its_intrinsic_value():
    strikes = np.array([99.0, 100.0, 101.0])
    ours = american.greeks(100.0, strikes, 1 / (365 * 24 * 60), 0.05, 0.02, 0.2, False)
    np.testing.assert_allclose(ours.price, [0.0, 0.011, 1.0], atol=2e-3)


def test_with_no_volatility_left_the_best_known_moment_counts():
    ours = american.greeks(100.0, 95.0, 1.0, 0.05, 0.08, [0.0, 1e-9], True)
    np.testing.assert_allclose(ours.price, 5.0)
    grown = american.greeks(100.0, 99.0, 1.0, 0.06, 0.03, 0.0, True)
    assert grown.price == pytest.approx(100 * np.exp(-0.03) - 99 * np.exp(-0.06))


@pytest.mark.parametrize("place", range(6))
@pytest.mark.parametrize("fault", [np.nan, np.inf])
def test_an_unusable_input_spoils_its_own_row_only(place: int, fault: float):
    inputs = [np.full(3, x) for x in (100.0, 100.0, 0.5, 0.05, 0.02, 0.2)]
    good = american.greeks(*inputs, False)
    inputs[place] = inputs[place].copy()
    inputs[place][1] = fault
    ours = american.greeks(*inputs, False)
    for figure, right in zip(ours, good, strict=True):
        assert np.isnan(figure).tolist() == [False, True, False]
        np.testing.assert_array_equal(figure[[0, 2]], right[[0, 2]])


@settings(max_examples=40, deadline=None)
@given(st.floats(0.75, 1.35), st.floats(0.02, 2), rates, st.floats(0, 0.08), vols, st.booleans())
def test_the_implied_volatility_is_the_one_the_price_was_made_with(
    moneyness: float, years: float, rate: float, dividend: float, vol: float, call: bool
):
    terms = (100 * moneyness, 100.0, years, rate, dividend)
    made = american.greeks(*terms, vol, call)
    found = american.implied_vol(made.price, *terms, call)
    if made.vega > 1e-2:
        assert found == pytest.approx(vol, abs=1e-8)
    elif np.isfinite(found):
        again, _, _ = american.value(*terms, found, call)
        assert again == pytest.approx(float(made.price), abs=1e-8)


@pytest.mark.parametrize("price", [np.nan, -1.0, 10.0, 9.0, 101.0])
def test_a_price_no_volatility_gives_has_none(price: float):
    assert np.isnan(american.implied_vol(price, 90.0, 100.0, 0.5, 0.05, 0.0, False))
