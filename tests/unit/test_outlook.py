"""What a trade would do, before anybody approves it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.instruments import Right, Settlement, Side
from domain.portfolio import AccountState, PositionState, build_account_state
from domain.recommendations import Leg, RecommendationAction, Terms
from domain.risk.outlook import Basis, TradeOutlook, trade_outlook
from domain.risk.own_margin import QuotedTrade
from tests.unit.trade_factories import contract, option_position, quote, roll, terms, values

PUT = contract()


def held(*positions: PositionState) -> AccountState:
    return build_account_state(values(), positions)


def outlook(
    account: AccountState, offer: Terms, *quotes: object, basis: Basis | None = None
) -> TradeOutlook:
    market = list(quotes) or [quote(iv=0.16) for _ in offer.legs]
    trade = QuotedTrade(offer.legs, market, offer.quantity, Settlement.PHYSICAL)  # type: ignore[arg-type]
    return trade_outlook(account, trade, offer, basis)


def test_a_put_sold_keeps_its_premium_above_the_strike_and_breaks_even_below_it():
    offer = terms()
    pay_off = outlook(held(), offer).pay_off
    assert pay_off is not None
    premium = float(offer.limit_price) * 100 * offer.quantity
    strike = float(offer.contract.strike)
    assert pay_off.at_expiry[-1] == pytest.approx(premium)
    assert pay_off.max_profit == pytest.approx(premium)
    assert pay_off.breakevens == (pytest.approx(strike - float(offer.limit_price)),)
    # The underlying going to zero: the strike is paid for nothing.
    assert pay_off.max_loss == pytest.approx(premium - strike * 100 * offer.quantity)


def test_today_lies_below_expiry_at_the_money_and_near_nothing_at_the_spot():
    offer = terms()
    pay_off = outlook(held(), offer).pay_off
    assert pay_off is not None
    assert pay_off.today is not None
    at_strike = pay_off.spots.index(float(offer.contract.strike))
    assert pay_off.today[at_strike] < pay_off.at_expiry[at_strike]
    nearest = min(range(len(pay_off.spots)), key=lambda i: abs(pay_off.spots[i] - pay_off.spot))
    assert abs(pay_off.today[nearest]) < 5


def test_stress_margin_concentration_and_assignment_all_grow_with_a_put_sold():
    found = outlook(held(), terms())
    by_move = {row.spot_move: row for row in found.stress}
    assert by_move[-0.20].before == 0 > by_move[-0.20].after
    assert found.margin.portfolio_maintenance.change > 0
    assert found.pm_usage_before is not None
    assert found.pm_usage_after is not None
    assert found.pm_usage_after > found.pm_usage_before
    assert found.short_put_cash_after == PUT.strike * 100 * terms().quantity
    assert found.concentration_before == 0
    assert (found.concentration_after or 0) > 0


def test_a_close_has_no_pay_off_and_takes_its_risk_away():
    offer = terms(
        action=RecommendationAction.CLOSE,
        legs=(Leg(contract=PUT, side=Side.BUY),),
        floor_price=Decimal("4.30"),
    )
    found = outlook(held(option_position(-offer.quantity, PUT)), offer)
    assert found.pay_off is None
    assert {row.after for row in found.stress} == {0.0}
    assert found.short_put_cash_after == 0


def test_what_has_no_price_is_named_and_not_drawn():
    offer = terms()
    found = outlook(held(), offer, quote(bid=None, ask=None, iv=None))
    assert found.left_out == (PUT.key,)
    assert found.pay_off is not None
    assert found.pay_off.today is None


def test_a_call_sold_loses_as_the_underlying_rises():
    call = contract(right=Right.CALL, strike=Decimal(680), con_id=77)
    offer = terms(legs=(Leg(contract=call, side=Side.SELL),))
    pay_off = outlook(held(), offer).pay_off
    assert pay_off is not None
    assert pay_off.at_expiry[0] > 0 > pay_off.at_expiry[-1]


def test_a_covered_call_is_drawn_with_its_shares_and_breaks_even_where_they_have_paid():
    call = contract(right=Right.CALL, strike=Decimal(680), con_id=77)
    offer = terms(legs=(Leg(contract=call, side=Side.SELL),))
    cost, shares = Decimal(650), 100 * offer.quantity
    found = outlook(held(), offer, basis=Basis(premium=Decimal("4.10"), share_cost=cost)).pay_off
    assert found is not None
    net = float(cost - offer.limit_price)
    assert (found.shares, found.share_cost, found.premium) == (shares, 650.0, None)
    assert found.breakevens == (pytest.approx(net),)
    assert found.max_profit == pytest.approx((680 - net) * shares)
    assert found.at_expiry[-1] == pytest.approx(found.max_profit), "called away, not lost"
    # The underlying going to zero: the shares are worth nothing.
    assert found.max_loss == pytest.approx(-net * shares)
    assert found.today is not None
    assert found.today[0] == pytest.approx(found.at_expiry[0], abs=0.5 * shares)


def test_what_a_roll_opens_is_drawn_from_its_own_premium():
    offer = roll()
    (new,) = offer.opening_legs
    found = outlook(held(), offer, basis=Basis(premium=Decimal("5.30"))).pay_off
    assert found is not None
    assert (found.premium, found.shares) == (5.3, 0)
    assert found.breakevens == (pytest.approx(float(new.contract.strike) - 5.3),)
    assert found.max_profit == pytest.approx(5.3 * 100 * offer.quantity)
