from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from domain.instruments import Right, Settlement
from domain.portfolio import AccountState, PositionState, UnderlyingState, build_account_state
from domain.pricing import american, european
from domain.pricing.options import CashDividends, OptionColumns, price_options
from domain.risk.valuation import PricingAssumptions, value_book, with_greeks
from domain.underlyings import ComingDividend
from tests.unit.trade_factories import (
    EXPIRY,
    NOW,
    contract,
    option_position,
    quote,
    stock_position,
    values,
)

YEARS = ((date(2026, 12, 18) - date(2026, 11, 20)).days * 86400 + 6 * 3600) / (365 * 86400)


def spy(**changes: Any) -> UnderlyingState:
    fields: dict[str, Any] = {"symbol": "SPY", "price": Decimal("656.2"), "as_of": NOW}
    return UnderlyingState(**fields | changes)


def account(*positions: PositionState, spot: UnderlyingState | None = None) -> AccountState:
    return build_account_state(values(), positions, [spot or spy()])


def test_an_option_is_valued_at_the_volatility_of_its_quote():
    state = with_greeks(account(option_position(-2, contract(), quote=quote(iv=0.16))))
    ours = state.positions[0].greeks
    expected = american.greeks(656.2, 640.0, YEARS, 0.04, 0.0, 0.16, False)
    assert ours is not None
    assert ours.iv == 0.16
    assert ours.delta == pytest.approx(float(expected.delta))
    assert ours.vega == pytest.approx(float(expected.vega))
    assert ours.theta_per_day == pytest.approx(float(expected.theta_per_day))


def test_without_a_told_volatility_it_is_solved_from_the_middle_of_the_quote():
    book = value_book(account(option_position(-2, contract(), quote=quote(iv=None))))
    assert book.value[0] == pytest.approx(4.15, abs=1e-6)
    assert 0.05 < book.iv[0] < 0.5


def test_a_crossed_quote_is_no_price_and_the_brokers_mark_stands_in():
    crossed = quote(bid=Decimal(5), ask=Decimal(4), iv=None)
    held = option_position(-2, contract(), quote=crossed, market_price=Decimal("3.90"))
    assert value_book(account(held)).mark[0] == pytest.approx(3.9)


def test_what_cannot_be_priced_is_named_and_has_no_greeks():
    blind = option_position(-2, contract(), market_value=None)
    state = account(blind, stock_position(100))
    assert value_book(state).unpriced == (blind.key,)
    assert [position.greeks is None for position in with_greeks(state).positions] == [True, False]


def test_a_broken_volatility_prices_nothing():
    for iv in (float("nan"), float("inf"), -0.2):
        held = option_position(-2, contract(), quote=quote(iv=iv, bid=None), market_value=None)
        assert value_book(account(held)).unpriced == (held.key,)


def test_dividends_before_expiry_make_a_put_dearer_and_later_ones_do_not():
    def put_value(ex_date: date) -> float:
        dividend = ComingDividend(ex_date=ex_date, amount=Decimal(3))
        held = option_position(-1, contract(), quote=quote(iv=0.16))
        return float(value_book(account(held, spot=spy(dividends=(dividend,)))).value[0])

    undisturbed = option_position(-1, contract(), quote=quote(iv=0.16))
    none = float(value_book(account(undisturbed)).value[0])
    assert put_value(EXPIRY + timedelta(days=1)) == none
    assert put_value(EXPIRY) > none + 0.5


def test_a_dividend_falls_at_its_own_date():
    """Against the tree itself, the ex-date's open counted from now."""
    ex_date = date(2026, 12, 11)
    dividend = ComingDividend(ex_date=ex_date, amount=Decimal(3))
    call = contract(right=Right.CALL, strike=Decimal(650), con_id=5)
    held = option_position(-1, call, quote=quote(iv=0.16))
    book = value_book(account(held, spot=spy(dividends=(dividend,))))
    until = ((ex_date - date(2026, 11, 20)).days * 86400 - 1800) / (365 * 86400)
    paid = CashDividends(np.array([[until]]), np.array([[3.0]]))
    expected = price_options(OptionColumns(656.2, 650, YEARS, 0.04, 0, 0.16, True, True), paid)
    assert book.value[0] == pytest.approx(expected.price[0], abs=1e-9)
    assert book.delta[0] == pytest.approx(expected.delta[0], abs=1e-9)


def test_a_volatility_solved_with_dividends_gives_back_the_market_price():
    dividend = ComingDividend(ex_date=date(2026, 12, 11), amount=Decimal(3))
    held = option_position(-2, contract(), quote=quote(iv=None))
    book = value_book(account(held, spot=spy(dividends=(dividend,))))
    assert book.value[0] == pytest.approx(4.15, abs=1e-4)


def test_a_deep_option_quoted_at_its_exercise_value_is_priced_there():
    deep = contract(strike=Decimal(900))
    parity = quote(bid=Decimal("243.80"), ask=Decimal("243.80"), iv=None)
    book = value_book(account(option_position(-1, deep, quote=parity)))
    assert book.value[0] == pytest.approx(243.8, abs=0.02)
    assert book.delta[0] == pytest.approx(-1, abs=0.02)


def test_a_price_far_below_exercise_is_no_price():
    deep = contract(strike=Decimal(900))
    absurd = quote(bid=Decimal(100), ask=Decimal(100), iv=None)
    held = option_position(-1, deep, quote=absurd)
    assert value_book(account(held)).unpriced == (held.key,)


def test_an_index_option_is_valued_on_the_forward_its_chain_implies():
    implied = quote(iv=0.16, forward=660.0, rate=0.05)
    held = option_position(-1, contract(), quote=implied, settlement=Settlement.CASH)
    book = value_book(account(held))
    expected = european.black76_price(660.0, 640.0, YEARS, 0.05, 0.16, False)
    assert book.value[0] == pytest.approx(float(expected))
    assert book.rate[0] == 0.05


def test_a_forward_that_cannot_be_is_not_used():
    for wrong in (0.0, -5.0, float("nan"), float("inf")):
        told = quote(iv=0.16, forward=wrong, rate=0.05)
        held = option_position(-1, contract(), quote=told, settlement=Settlement.CASH)
        assert value_book(account(held)).rate[0] == 0.04


def test_an_american_option_is_worth_exercising_at_least():
    deep = contract(strike=Decimal(900))
    american = option_position(-1, deep, quote=quote(iv=0.1))
    european_one = american.model_copy(update={"settlement": Settlement.CASH})
    steep = PricingAssumptions(rate=0.2)
    assert value_book(account(american), steep).value[0] == pytest.approx(900 - 656.2)
    assert value_book(account(european_one), steep).value[0] < 900 - 656.2


def test_a_share_has_a_delta_of_one_and_no_other_greek():
    book = value_book(account(stock_position(100)))
    assert (book.delta[0], book.gamma[0], book.vega[0], book.theta_per_day[0]) == (1, 0, 0, 0)
    assert book.units[0] == 100


def test_on_the_last_evening_an_option_is_worth_its_intrinsic_value():
    call = contract(right=Right.CALL, strike=Decimal(650), expiry=date(2026, 11, 19))
    book = value_book(account(option_position(-1, call, quote=quote(iv=0.2))))
    assert book.value[0] == pytest.approx(6.2)
    assert np.isfinite(book.theta_per_day[0])
