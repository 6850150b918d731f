"""What short puts can cost, and which long puts make up for it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instruments import Leg, OptionContract, Right, Settlement, Side
from domain.packages import assignment_cash, assignment_change, closed_by_roll
from domain.put_cover import most_at_settlement, put_cash, settlement_of
from domain.recommendations import RecommendationAction
from tests.unit.trade_factories import (
    EXPIRY,
    account,
    contract,
    dec,
    option_position,
    terms,
)


def index_put(strike: int, **changes: Any) -> OptionContract:
    fields = {"symbol": "XSP", "trading_class": "XSP", "strike": dec(strike), "con_id": strike}
    return contract(**fields | changes)


LATER = EXPIRY + timedelta(days=28)


def test_a_spread_that_settles_in_cash_at_once_costs_its_width_at_most():
    assert put_cash([(index_put(620), dec(-2)), (index_put(600), dec(2))]) == 4_000


@pytest.mark.parametrize(
    "long_put",
    [
        index_put(600, expiry=LATER),
        index_put(600, trading_class="SPX"),
        index_put(600, multiplier=Decimal(10)),
    ],
)
def test_a_long_put_that_settles_at_another_time_or_price_is_no_cover(long_put: OptionContract):
    assert put_cash([(index_put(620), dec(-1)), (long_put, dec(1))]) == 62_000


def test_a_long_put_is_no_cover_where_the_short_one_may_be_assigned_early():
    short_put, long_put = contract(), contract(strike=dec(620), con_id=2)
    assert put_cash([(short_put, dec(-1)), (long_put, dec(1))]) == 64_000


def test_a_symbol_that_is_not_known_to_settle_in_cash_delivers():
    assert settlement_of(index_put(620)) is Settlement.CASH
    assert settlement_of(index_put(620, currency="CAD")) is Settlement.PHYSICAL
    assert settlement_of(contract()) is Settlement.PHYSICAL


units = st.tuples(st.integers(100, 140), st.integers(-3, 3))


@given(st.lists(units, min_size=1, max_size=5, unique_by=lambda unit: unit[0]))
def test_no_settlement_price_costs_more_than_what_is_told(puts: list[tuple[int, int]]):
    told = most_at_settlement((index_put(strike), dec(count)) for strike, count in puts)
    lost = [
        -sum(max(strike - price, 0) * count * 100 for strike, count in puts)
        for price in range(0, 150)
    ]
    assert told == max(*lost, 0)


def test_an_account_counts_a_spread_at_its_width_and_what_is_left_over_in_full():
    def held(quantity: int, strike: int):
        option = index_put(strike)
        return option_position(quantity, option, settlement=Settlement.CASH, market_value=dec(0))

    state = account(held(-2, 620), held(2, 600))
    assert state.cash_settled_put_notional == 4_000
    assert state.exposure_by_underlying == {"XSP": 4_000}
    lopsided = account(held(-2, 620), held(1, 600))
    assert lopsided.cash_settled_put_notional == 2 * 62_000 - 60_000


# --- which legs close ----------------------------------------------------------------------

OLD = (Leg(contract=index_put(620), side=Side.BUY), Leg(contract=index_put(600), side=Side.SELL))
NEW = (
    Leg(contract=index_put(610, expiry=LATER), side=Side.SELL),
    Leg(contract=index_put(590, expiry=LATER), side=Side.BUY),
)


@pytest.mark.parametrize(
    ("legs", "closing"),
    [
        ((*OLD, *NEW), OLD),
        ((OLD[0], *NEW), OLD[:1]),
        ((OLD[0], NEW[0]), OLD[:1]),
        (
            (OLD[0], Leg(contract=index_put(610), side=Side.SELL)),
            OLD[:1],
        ),
    ],
)
def test_a_roll_closes_what_it_leaves_and_not_the_wing_that_it_buys(
    legs: tuple[Leg, ...], closing: tuple[Leg, ...]
):
    assert closed_by_roll(legs) == closing


def test_a_roll_of_a_strangle_closes_both_options_that_it_buys_in():
    call = contract(right=Right.CALL, strike=dec(700), con_id=3)
    later_call = contract(right=Right.CALL, strike=dec(710), con_id=4, expiry=LATER)
    legs = (
        Leg(contract=contract(), side=Side.BUY),
        Leg(contract=call, side=Side.BUY),
        Leg(contract=contract(expiry=LATER, con_id=5), side=Side.SELL),
        Leg(contract=later_call, side=Side.SELL),
    )
    assert closed_by_roll(legs) == legs[:2]


def test_the_roll_of_a_spread_is_charged_what_its_new_width_adds():
    wider = (NEW[0], Leg(contract=index_put(580, expiry=LATER), side=Side.BUY))
    assert assignment_change((*OLD, *wider), 2, closing=OLD) == 2_000
    assert assignment_cash((*OLD, *NEW), 2, closing=OLD) == 0


def test_the_terms_of_a_spreads_roll_are_filed_under_the_put_it_sells():
    offered = terms(
        action=RecommendationAction.ROLL,
        legs=(*OLD, *NEW),
        limit_price=dec("-0.30"),
        floor_price=dec("-0.20"),
    )
    assert offered.contract == NEW[0].contract
    assert offered.opening_legs == NEW
    assert "Roll 2 XSP 18 Dec 2026 620 puts with the 600 to 15 Jan 2027 610 with the 590" in (
        offered.describe()
    )
