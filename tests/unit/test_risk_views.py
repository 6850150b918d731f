"""The parts of the risk state: greeks, stress, expiries, assignment, dividends, liquidity."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.instruments import Right, SecType, Settlement
from domain.portfolio import PositionState, UnderlyingState, build_account_state
from domain.risk.state import RiskState, compute_risk_state
from domain.risk.valuation import value_book
from domain.underlyings import ComingDividend
from tests.unit.trade_factories import (
    TODAY,
    contract,
    option_position,
    quote,
    stock_position,
    values,
)

SPY = UnderlyingState(symbol="SPY", price=Decimal("656.2"))


def risk(*positions: PositionState, spot: UnderlyingState = SPY, **changes: Any) -> RiskState:
    state = build_account_state(values(**changes), positions, [spot])
    return compute_risk_state(state.model_copy(update={"benchmark": SPY}))


def put(quantity: int, strike: int = 640, **changes: Any) -> PositionState:
    option = contract(strike=Decimal(strike), con_id=strike, **changes)
    return option_position(quantity, option, quote=quote(iv=0.16))


def call(quantity: int, strike: int = 640, bid: str = "20", **changes: Any) -> PositionState:
    option = contract(strike=Decimal(strike), right=Right.CALL, con_id=strike + 1, **changes)
    looked = quote(iv=0.16, bid=Decimal(bid), ask=Decimal(bid) + Decimal("0.2"))
    return option_position(quantity, option, quote=looked)


def test_deltas_of_an_unknown_beta_are_named_and_left_out_of_the_weighted_sum():
    state = risk(stock_position(100), stock_position(10, "AAPL", market_price=Decimal(270)))
    assert state.greeks.total.delta == pytest.approx(100 * 656.2 + 10 * 270)
    assert state.greeks.beta_weighted_delta == pytest.approx(100 * 656.2)
    assert state.greeks.beta_weighted_units == pytest.approx(100)
    assert state.greeks.unknown_beta == ("AAPL",)


def test_a_known_beta_scales_the_delta():
    apple = UnderlyingState(symbol="AAPL", price=Decimal(270), beta=1.2, sector="Technology")
    state = risk(stock_position(10, "AAPL"), spot=apple)
    assert state.greeks.beta_weighted_delta == pytest.approx(1.2 * 2700)
    assert [(s.sector, s.symbols) for s in state.sectors] == [("Technology", ("AAPL",))]


def test_the_stress_of_shares_is_their_move():
    state = risk(stock_position(100))
    view = state.stress
    assert view.pnl[view.spot_moves.index(-0.15)][0] == pytest.approx(-0.15 * 65_620)
    assert view.tail.pnl == pytest.approx(-0.30 * 65_620)
    assert view.largest_loss == pytest.approx(0.30 * 65_620)
    assert view.ordinary.pnl == pytest.approx(-0.15 * 65_620)
    # SPY follows a broad index of large companies: -8 % to +6 %.
    assert (view.rules_down, view.rules_up) == pytest.approx((-0.08 * 65_620, 0.06 * 65_620))


def test_a_short_put_loses_its_way_to_the_strike_in_a_crash():
    held = put(-1)
    state = risk(held)
    before = float(value_book(build_account_state(values(), [held], [SPY])).value[0])
    # Deep in the money an American put is worth its exercise.
    after = 640 - 0.7 * 656.2
    assert state.stress.tail.pnl == pytest.approx(-100 * (after - before), rel=0.01)
    assert state.stress.by_name[0].symbol == "SPY"


def test_expiries_tell_in_from_out_of_the_money():
    (group,) = risk(put(-2), put(-1, 680), put(1, 600)).expiries
    assert (group.expiry, group.dte) == (date(2026, 12, 18), 28)
    assert (group.short_in_the_money, group.short_out_of_the_money) == (1, 2)
    assert (group.long_contracts, group.short_notional) == (1, 2 * 64_000 + 68_000)


def test_assignment_of_a_short_put_takes_shares_and_pays_the_strike():
    (exposure,) = risk(put(-1, 680)).assignment
    assert (exposure.shares, exposure.cash) == (100, -68_000)
    assert exposure.in_the_money == pytest.approx(23.8)


def test_a_cash_settled_option_pays_the_difference_and_delivers_nothing():
    held = put(-1, 680).model_copy(update={"settlement": Settlement.CASH})
    (exposure,) = risk(held).assignment
    assert exposure.shares == 0
    assert exposure.cash == pytest.approx(Decimal(-2380))


def paying(amount: str) -> UnderlyingState:
    dividend = ComingDividend(ex_date=date(2026, 12, 10), amount=Decimal(amount))
    return SPY.model_copy(update={"dividends": (dividend,)})


def test_a_short_call_worth_less_than_the_dividend_is_likely_exercised_early():
    # 16.2 in the money at a middle of 17.1: 0.9 of extrinsic value.
    (likely,) = risk(call(-1, bid="17"), spot=paying("1.9")).ex_dividend
    assert likely.is_likely
    assert likely.extrinsic == pytest.approx(0.9)
    assert likely.cost == 190
    (unlikely,) = risk(call(-1, bid="20"), spot=paying("1.9")).ex_dividend
    assert not unlikely.is_likely


def test_a_call_out_of_the_money_or_a_dividend_after_expiry_is_no_early_exercise():
    (outside,) = risk(call(-1, 700, bid="0.1"), spot=paying("1.9")).ex_dividend
    assert not outside.is_likely
    early = call(-1, expiry=date(2026, 12, 4), bid="17")
    assert risk(early, spot=paying("1.9")).ex_dividend == ()


def test_this_weeks_puts_in_the_money_become_shares_and_margin():
    week = put(-1, 680, expiry=TODAY)
    after = risk(week, put(-1, 600, expiry=TODAY), cash=Decimal(100_000)).post_expiry
    assert after is not None
    assert [(c.symbol, c.shares) for c in after.shares] == [("SPY", 100)]
    assert after.cash_after == 32_000
    assert after.reg_t_maintenance == pytest.approx(0.25 * 65_620)
    assert after.portfolio_maintenance == pytest.approx(0.08 * 65_620)
    assert risk(put(-1)).post_expiry is None


def test_called_away_shares_leave_nothing_behind():
    after = risk(stock_position(100), call(-1, expiry=TODAY)).post_expiry
    assert after is not None
    assert after.reg_t_maintenance == 0
    assert after.cash_change == 64_000


def test_liquidity_measures_the_spread_and_the_size_of_each_option():
    held = put(-3).model_copy(update={"open_interest": 30.0})
    (found,) = risk(held).liquidity
    assert found.spread_fraction == pytest.approx(0.1 / 4.15)
    assert found.size_fraction == pytest.approx(0.1)
    assert found.cost_to_cross == Decimal("0.05") * 300


def test_margin_estimates_stand_beside_the_brokers_figure():
    state = risk(stock_position(100), maint_margin=Decimal(20_000))
    assert state.maint_margin == 20_000
    assert state.margin.reg_t_maintenance == pytest.approx(0.25 * 65_620)
    assert state.margin.portfolio_maintenance == pytest.approx(0.08 * 65_620)
    assert state.margin.portfolio_usage == pytest.approx(0.08 * 65_620 / 500_000)


def test_an_index_option_of_unknown_price_is_left_out_of_the_estimates_by_name():
    option = contract(symbol="SPX", trading_class="SPXW", strike=Decimal(6400), con_id=9)
    blind = PositionState(
        key=option.key, symbol="SPX", sec_type=SecType.OPTION, option=option,
        quantity=Decimal(-1), average_cost=Decimal(900), multiplier=Decimal(100),
    )  # fmt: skip
    state = risk(blind)
    assert state.margin.left_out == (option.key,)
    assert state.stress.left_out == (option.key,)
