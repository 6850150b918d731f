from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Right, SecType, Settlement
from domain.portfolio import PositionState, build_account_state
from tests.unit.trade_factories import account, contract, option_position, stock_position, values

CALL = contract(right=Right.CALL, con_id=2001, strike=Decimal(700))


def test_assignment_cash_is_strike_times_multiplier_times_short_contracts():
    state = account(option_position(-2, contract()))
    assert state.assignment_cash == 128_000


def test_long_puts_and_short_calls_need_no_assignment_cash():
    state = account(option_position(3, contract()), option_position(-1, CALL))
    assert state.assignment_cash == 0
    assert state.short_puts == ()


def test_an_adjusted_multiplier_is_used_and_never_assumed_to_be_100():
    adjusted = contract(trading_class="SPY1", multiplier=Decimal(150))
    assert account(option_position(-1, adjusted)).assignment_cash == 96_000


def test_cash_settled_puts_are_flagged_apart_from_assignment_cash():
    state = account(option_position(-1, contract(), settlement=Settlement.CASH))
    assert state.assignment_cash == 0
    assert state.cash_settled_put_notional == 64_000


def test_a_closed_position_is_left_out():
    assert account(stock_position(0)).positions == ()


def test_an_instrument_reported_twice_is_refused_by_name():
    with pytest.raises(GreenlightError) as caught:
        build_account_state(values(), [stock_position(100), stock_position(200)])
    assert caught.value.code is ErrorCode.DATA_INVALID
    assert "STK:SPY:USD" in caught.value.detail


def test_positions_come_in_the_same_order_however_they_are_read():
    rows = [stock_position(1, "SPY"), stock_position(1, "IWM"), option_position(-1, contract())]
    assert build_account_state(values(), rows) == build_account_state(values(), rows[::-1])


def test_exposure_adds_shares_at_market_and_short_puts_at_strike():
    state = account(stock_position(100), option_position(-1, contract()))
    assert state.exposure_by_underlying == {"SPY": Decimal(65_000 + 64_000)}


def test_exposure_lists_the_largest_name_first():
    state = account(stock_position(1, "IWM"), stock_position(9, "SPY"), stock_position(5, "QQQ"))
    assert list(state.exposure_by_underlying) == ["SPY", "QQQ", "IWM"]


def test_a_covered_call_adds_nothing_to_exposure():
    state = account(stock_position(100), option_position(-1, CALL))
    assert state.exposure_by_underlying == {"SPY": Decimal(65_000)}


def test_uncovered_calls_count_at_strike_beyond_the_shares_held():
    state = account(stock_position(100), option_position(-3, CALL))
    assert state.exposure_by_underlying == {"SPY": Decimal(65_000 + 140_000)}


def test_short_shares_cover_no_call():
    state = account(stock_position(-100), option_position(-1, CALL))
    assert state.exposure_by_underlying == {"SPY": Decimal(65_000 + 70_000)}


def test_without_a_market_value_a_position_counts_at_cost():
    state = account(stock_position(10, market_value=None))
    assert state.exposure_by_underlying == {"SPY": Decimal(6_000)}


def test_held_is_signed_and_zero_for_what_is_not_there():
    state = account(option_position(-2, contract()))
    assert state.held(contract().key) == -2
    assert state.held(CALL.key) == 0


def test_an_option_position_must_say_which_option():
    with pytest.raises(ValueError, match="has a contract"):
        PositionState(
            key="k",
            symbol="SPY",
            sec_type=SecType.OPTION,
            quantity=Decimal(1),
            average_cost=Decimal(1),
        )
