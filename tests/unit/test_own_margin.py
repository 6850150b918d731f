from __future__ import annotations

from decimal import Decimal

import pytest

from domain.instruments import Leg, Right, Settlement, Side
from domain.portfolio import AccountState, PositionState, build_account_state
from domain.risk.own_margin import QuotedTrade, trade_margin
from domain.risk.trade_margin import TradeMargin
from tests.unit.trade_factories import contract, option_position, quote, stock_position, values

PUT = contract()


def held(*positions: PositionState) -> AccountState:
    return build_account_state(values(), positions)


def sale(account: AccountState, quantity: int = 1, **quoted: object) -> TradeMargin:
    leg = Leg(contract=PUT, side=Side.SELL, ratio=1)
    market = quote(**{"iv": 0.16} | quoted)
    return trade_margin(account, QuotedTrade([leg], [market], quantity, Settlement.PHYSICAL))


def test_a_put_sold_into_an_empty_account_asks_for_what_the_rules_ask_of_it():
    margin = sale(held())
    market = quote()
    assert market.mid is not None
    assert market.underlying_price is not None
    spot, strike = float(market.underlying_price), float(PUT.strike)
    exposure = max(0.2 * spot - max(spot - strike, 0.0), 0.1 * strike)
    expected = 100 * (float(market.mid) + exposure)
    assert margin.reg_t_maintenance.before == 0
    assert margin.reg_t_maintenance.after == pytest.approx(expected, abs=0.01)
    assert margin.reg_t_maintenance.change == margin.reg_t_maintenance.after
    assert margin.portfolio_maintenance.change > 37.5
    assert margin.is_estimate
    assert margin.left_out == ()


def test_what_other_names_are_held_changes_nothing():
    other = stock_position(500, "AAPL")
    assert sale(held(other)) == sale(held())


def test_a_fund_and_the_index_it_tracks_are_margined_together():
    assert sale(held()).group == "S&P 500"
    shares = stock_position(1000, "IVV", market_price=Decimal(650), market_value=Decimal(650_000))
    assert sale(held(shares)).portfolio_maintenance.before > 0


def test_buying_back_all_that_is_held_frees_all_its_margin():
    account = held(option_position(-3, PUT))
    leg = Leg(contract=PUT, side=Side.BUY, ratio=1)
    trade = QuotedTrade([leg], [quote(iv=0.16)], 3, Settlement.PHYSICAL)
    margin = trade_margin(account, trade)
    assert margin.reg_t_maintenance.after == margin.portfolio_maintenance.after == 0
    assert margin.portfolio_maintenance.change == -margin.portfolio_maintenance.before < 0


def test_a_call_sold_against_shares_is_covered():
    call = contract(right=Right.CALL, strike=Decimal(680), con_id=77)
    shares = stock_position(100)
    leg = Leg(contract=call, side=Side.SELL, ratio=1)
    market = quote(bid=Decimal("2.00"), ask=Decimal("2.02"), iv=0.14)
    covered = trade_margin(held(shares), QuotedTrade([leg], [market], 1, Settlement.PHYSICAL))
    alone = trade_margin(held(), QuotedTrade([leg], [market], 1, Settlement.PHYSICAL))
    assert covered.reg_t_maintenance.change == 0
    assert alone.reg_t_maintenance.change > 5_000
    assert covered.portfolio_maintenance.change < 0 < alone.portfolio_maintenance.change


def test_what_cannot_be_priced_is_named_and_in_no_amount():
    unpriced = sale(held(), iv=None, bid=None, ask=None)
    assert unpriced.left_out == (PUT.key,)
    assert unpriced.reg_t_maintenance.after == unpriced.portfolio_maintenance.after == 0
