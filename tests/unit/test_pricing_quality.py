from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.pricing import european
from domain.pricing.implied_vol import implied_vol
from domain.pricing.quality import Arbitrage, QuoteCode, find_arbitrage, grade_quotes

NAN, INF = float("nan"), float("inf")
GOOD = {
    "bid": 4.9,
    "ask": 5.1,
    "spot": 100.0,
    "strike": 100.0,
    "years": 0.25,
    "rate": 0.04,
    "dividend_yield": 0.01,
    "is_call": True,
}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        pytest.param({}, QuoteCode.OK, id="good"),
        pytest.param({"spot": NAN}, QuoteCode.NAN_INPUT, id="no spot"),
        pytest.param({"rate": INF}, QuoteCode.NAN_INPUT, id="infinite rate"),
        pytest.param({"spot": -1.0}, QuoteCode.BAD_SPOT, id="negative spot"),
        pytest.param({"strike": 0.0}, QuoteCode.BAD_STRIKE, id="strike of nothing"),
        pytest.param({"strike": NAN}, QuoteCode.BAD_STRIKE, id="no strike"),
        pytest.param({"years": 0.0}, QuoteCode.EXPIRED, id="expired"),
        pytest.param({"is_stale": True}, QuoteCode.STALE, id="stale"),
        pytest.param({"ask": NAN}, QuoteCode.NO_ASK, id="no ask"),
        pytest.param({"bid": 0.0}, QuoteCode.NO_BID, id="zero bid"),
        pytest.param({"bid": -1.0}, QuoteCode.NO_BID, id="negative bid"),
        pytest.param({"bid": 5.2}, QuoteCode.CROSSED, id="crossed"),
        pytest.param({"strike": 90.0}, QuoteCode.BELOW_INTRINSIC, id="below parity"),
        pytest.param({"bid": 99, "ask": 101}, QuoteCode.ABOVE_BOUND, id="dearer than the share"),
        pytest.param({"is_stale": True, "bid": 9.0}, QuoteCode.STALE, id="the first fault is told"),
    ],
)
def test_each_fault_has_its_code(changed: dict[str, float], code: QuoteCode):
    assert grade_quotes(**(GOOD | changed)) == code


def test_an_american_put_is_worth_exercising_at_once_at_least():
    deep = GOOD | {"is_call": False, "strike": 140.0, "bid": 39.3, "ask": 39.9}
    assert grade_quotes(**deep) == QuoteCode.OK
    assert grade_quotes(**deep, is_american=True) == QuoteCode.BELOW_INTRINSIC


anything = st.one_of(st.floats(), st.floats(-10, 300))


@settings(deadline=None, max_examples=40)  # the first asks numba in
@given(st.lists(st.tuples(*[anything] * 7, st.booleans()), min_size=1, max_size=8))
def test_whatever_the_numbers_every_row_has_a_code_and_ok_has_a_volatility(
    rows: list[tuple[float, ...]],
):
    bid, ask, spot, strike, years, rate, paid, is_call = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    codes = grade_quotes(bid, ask, spot, strike, years, rate, paid, is_call)
    assert codes.shape == bid.shape
    assert {int(code) for code in codes} <= {code.value for code in QuoteCode}
    # Within the sizes of a market: beyond, even an exact price may be no volatility a float holds.
    sane = (np.abs(rate) < 0.2) & (np.abs(paid) < 0.2) & (years > 1e-5) & (years < 10)
    sane &= (spot > 1) & (strike > 1) & (spot < 300) & (strike < 300) & (codes == QuoteCode.OK)
    with np.errstate(all="ignore"):
        middle = (bid + ask) / 2
        low = european.price(spot, strike, years, rate, paid, 0.0, is_call)
        high = np.where(is_call, spot * np.exp(-paid * years), strike * np.exp(-rate * years))
        clear = sane & (middle > low + 1e-9) & (middle < high * (1 - 1e-9))
    found = implied_vol(middle, spot, strike, years, rate, paid, is_call)
    assert np.isfinite(found[clear]).all()


def chain(call_mids: list[float], width: float = 0.2) -> tuple[np.ndarray, ...]:
    mids = np.array(call_mids)
    count = len(mids)
    return (
        np.full(count, 20000),
        90.0 + 10 * np.arange(count),
        np.full(count, True),
        mids - width / 2,
        mids + width / 2,
    )


def test_a_chain_in_order_has_no_arbitrage():
    assert not find_arbitrage(*chain([14.0, 8.0, 4.0, 2.0])).any()


def test_a_call_cheaper_than_one_farther_out_is_flagged_with_its_neighbour():
    flags = find_arbitrage(*chain([14.0, 3.0, 4.0, 2.0]))
    assert (flags & Arbitrage.VERTICAL).astype(bool).tolist() == [True, True, True, False]


def test_a_strike_dearer_than_its_wings_is_flagged():
    flags = find_arbitrage(*chain([14.0, 11.0, 4.0]))
    assert (flags & Arbitrage.BUTTERFLY).astype(bool).all()


def test_a_violation_within_the_spread_is_none():
    assert not find_arbitrage(*chain([14.0, 11.0, 4.0], width=4.0)).any()


def test_a_later_american_option_for_less_is_flagged():
    days, strike = np.array([20000, 20030]), np.array([100.0, 100.0])
    quotes = (days, strike, [False, False], [5.0, 4.0], [5.1, 4.5])
    assert find_arbitrage(*quotes, is_american=True).tolist() == [Arbitrage.CALENDAR] * 2
    assert not find_arbitrage(*quotes).any()


def test_a_row_without_a_quote_is_nobody_s_neighbour():
    days, strike, is_call, bid, ask = chain([14.0, 8.0, 4.0])
    bid[1] = np.nan
    assert not find_arbitrage(days, strike, is_call, bid, ask).any()
