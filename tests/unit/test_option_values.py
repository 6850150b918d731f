from __future__ import annotations

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pricing import american, european
from domain.pricing.options import (
    CashDividends,
    OptionColumns,
    ValueCode,
    early_exercise_likely,
    price_options,
)

DAYS, RATE, VOL = 180, 0.05, 0.3
DUE, PAID = (40, 130), (1.2, 1.5)
STRIKES = np.array([80.0, 95.0, 100.0, 110.0, 125.0])


def chain(call: bool, american_style: bool, **changed: float) -> OptionColumns:
    terms = {"spot": 100.0, "years": DAYS / 365, "rate": RATE, "dividend_yield": 0.0, "vol": VOL}
    return OptionColumns(
        strike=STRIKES, is_call=call, is_american=american_style, **{**terms, **changed}
    )


def dividends(days: tuple[float, ...] = DUE, paid: tuple[float, ...] = PAID) -> CashDividends:
    rows = len(STRIKES)
    return CashDividends(np.tile(np.array(days) / 365, (rows, 1)), np.tile(paid, (rows, 1)))


def finite_differences(strike: float, call: bool, american_style: bool) -> tuple[float, float]:
    """QuantLib's price and delta by finite differences with the dividends of this module."""
    today = ql.Date(1, 6, 2026)
    ql.Settings.instance().evaluationDate = today
    count = ql.Actual365Fixed()

    def flat(level: float) -> ql.YieldTermStructureHandle:
        return ql.YieldTermStructureHandle(ql.FlatForward(today, level, count))

    vol = ql.BlackConstantVol(today, ql.NullCalendar(), VOL, count)
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(100.0)),
        flat(0.0),
        flat(RATE),
        ql.BlackVolTermStructureHandle(vol),
    )
    exercise = ql.AmericanExercise(today, today + DAYS)
    if not american_style:
        exercise = ql.EuropeanExercise(today + DAYS)
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, strike)
    option = ql.VanillaOption(payoff, exercise)
    cash = [ql.FixedDividend(amount, today + day) for day, amount in zip(DUE, PAID, strict=True)]
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, cash, 600, 600))
    return option.NPV(), option.delta()


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("american_style", [True, False])
def test_known_dividends_are_priced_as_quantlib_does_on_the_spot_model(
    call: bool, american_style: bool
):
    ours = price_options(chain(call, american_style), dividends())
    expected = [finite_differences(strike, call, american_style) for strike in STRIKES]
    np.testing.assert_allclose(ours.price, [price for price, _ in expected], atol=1e-2)
    np.testing.assert_allclose(ours.delta, [delta for _, delta in expected], atol=3e-3)


@pytest.mark.parametrize("call", [True, False])
def test_a_dividend_that_is_past_after_expiry_or_unknown_changes_nothing(call: bool):
    ours = price_options(chain(call, True), dividends((-3, 200, np.nan), (2.0, 2.0, 2.0)))
    without = price_options(chain(call, True))
    np.testing.assert_array_equal(ours.price, without.price)


def test_a_vanishing_dividend_leaves_the_price_without_one():
    ours = price_options(chain(False, True), dividends((90,), (1e-9,)))
    plain, _, _ = american.value(100.0, STRIKES, DAYS / 365, RATE, 0.0, VOL, False)
    np.testing.assert_allclose(ours.price, plain, atol=1e-2)


def test_a_dividend_on_the_last_day_is_collected_before_a_deep_call_is_exercised():
    call = OptionColumns(100.0, 60.0, 0.25, 0.05, 0.0, 0.2, True, True)
    paid = CashDividends(np.array([[0.25]]), np.array([[3.0]]))
    exercised_on_its_eve = 100 - 60 * np.exp(-0.05 * 0.25)
    assert price_options(call, paid).price == pytest.approx(exercised_on_its_eve, abs=2e-2)


def test_a_dividend_beyond_the_price_of_the_share_leaves_a_put_worth_its_strike():
    put = OptionColumns(5.0, 10.0, 0.5, 0.05, 0.0, 0.4, False, False)
    paid = CashDividends(np.array([[0.2]]), np.array([[50.0]]))
    assert price_options(put, paid).price == pytest.approx(10 * np.exp(-0.05 * 0.5), abs=1e-2)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0.02, 2),
    st.floats(0.01, 0.99),
    st.floats(0.01, 8),
    st.floats(-0.02, 0.1),
    st.floats(0.05, 1.2),
    st.booleans(),
)
def test_with_a_dividend_it_is_worth_no_less_than_its_exercise_and_the_european(
    years: float, share: float, paid: float, rate: float, vol: float, call: bool
):
    cash = CashDividends(np.full((5, 1), years * share), np.full((5, 1), paid))
    ours = price_options(chain(call, True, years=years, rate=rate, vol=vol), cash)
    plain = price_options(chain(call, False, years=years, rate=rate, vol=vol), cash)
    intrinsic = np.maximum((100 - STRIKES) * (1 if call else -1), 0)
    assert (ours.price >= intrinsic - 1e-6).all()
    assert (ours.price >= plain.price - 1e-2).all()
    assert np.isfinite(np.array(ours)).all()


def test_every_style_takes_its_own_method_in_one_call():
    options = OptionColumns(
        100.0, 105.0, 0.5, 0.06, 0.01, 0.25, False, np.array([False, True, True])
    )
    due = CashDividends(
        np.array([[np.nan], [np.nan], [0.2]]), np.array([[np.nan], [np.nan], [2.0]])
    )
    ours = price_options(options, due)
    terms = (100.0, 105.0, 0.5, 0.06, 0.01, 0.25, False)
    assert ours.price[0] == european.price(*terms)
    assert ours.price[1] == american.greeks(*terms).price
    assert ours.price[2] > ours.price[1] + 0.5
    assert ours.premium[0] == 0
    assert ours.code.tolist() == [ValueCode.OK] * 3


@pytest.mark.parametrize("style", [True, False])
def test_each_row_says_what_it_is_worth(style: bool):
    options = OptionColumns(
        spot=np.array([100.0, np.nan, 100.0, -1.0, 100.0]),
        strike=110.0,
        years=np.array([0.5, 0.5, 0.0, 0.5, 0.5]),
        rate=0.05,
        dividend_yield=0.0,
        vol=np.array([0.2, 0.2, 0.2, 0.2, 0.0]),
        is_call=False,
        is_american=style,
    )
    ours = price_options(options)
    bad = ValueCode.BAD_INPUT
    assert ours.code.tolist() == [ValueCode.OK, bad, ValueCode.EXPIRED, bad, bad]
    assert np.isnan(ours.price).tolist() == [False, True, False, True, True]
    assert ours.price[2] == 10.0


def test_no_options_have_no_values():
    empty = np.empty(0)
    options = OptionColumns(*[empty] * 6, empty.astype(bool), empty.astype(bool))
    assert price_options(options).price.shape == (0,)


def test_a_call_whose_time_value_is_less_than_the_dividend_is_likely_exercised():
    price = np.array([10.3, 10.3, 2.0, np.nan, 10.3])
    strike = np.array([90.0, 90.0, 101.0, 90.0, 90.0])
    paid = np.array([0.5, 0.2, 5.0, 1.0, np.nan])
    likely = early_exercise_likely(price, 100.0, strike, paid)
    assert likely.tolist() == [True, False, False, False, False]
