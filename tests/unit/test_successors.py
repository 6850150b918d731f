"""What takes the place of a denied trade: the same one on fresh terms, or nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.instruments import Right
from domain.portfolio import AccountState
from domain.recommendations import RecommendationAction, Terms
from domain.risk.state import compute_risk_state
from domain.strategies.base import StrategyResult
from domain.strategies.successors import is_same_trade, successor_to
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from tests.unit.selling import expiring, index_row, seen, short
from tests.unit.spreads import LATER_PUTS, WING, held_spread, looked_after, offered, run
from tests.unit.trade_factories import account, chain, context, contract, dec, row, stock_position

FALLEN = {"underlying_price": 645.0}
SOLD_HIGHER = index_row(bid=3.4, ask=3.5, delta=-0.15)
WING_HIGHER = index_row(**WING | {"bid": 1.55, "ask": 1.65, "delta": -0.08})


def wheel(
    state: AccountState, *rows: dict[str, Any], price: float, **config: Any
) -> StrategyResult:
    instance = context(
        chain(*rows, underlying_price=price), config=WheelConfig(universe=("SPY",), **config)
    )
    return Wheel().generate_signals(state, compute_risk_state(state), instance)


def the_only(result: StrategyResult) -> Terms:
    (proposal,) = result.proposals
    return proposal.terms


# --- packages ------------------------------------------------------------------------------


def test_a_denied_put_spread_is_offered_again_at_the_market_it_meets():
    denied = offered(index_row(), index_row(**WING)).terms
    fresh = the_only(successor_to(denied, run(SOLD_HIGHER, WING_HIGHER, chain_changes=FALLEN)))
    assert fresh.legs == denied.legs
    assert fresh.limit_price < denied.limit_price, "a greater credit, for the market has fallen"
    assert fresh.reference_underlying_price == 645
    assert fresh.hash != denied.hash


def test_a_denied_close_of_a_spread_is_offered_again_and_may_leave_a_wing_without_a_bid():
    denied = the_only(looked_after(held_spread(), (1.00, 1.10), (0.50, 0.55)))
    again = successor_to(denied, looked_after(held_spread(), (0.90, 1.00), (0.45, 0.50)))
    assert the_only(again).legs == denied.legs
    alone = successor_to(denied, looked_after(held_spread(), (0.20, 0.25), (None, 0.05)))
    assert the_only(alone).legs == denied.legs[:1]


def test_a_denied_roll_of_a_spread_is_offered_again_into_the_same_spread():
    sold, bought = (2.6, 2.7), (1.15, 1.25)
    denied = the_only(looked_after(held_spread(7), sold, bought, *LATER_PUTS))
    assert denied.action is RecommendationAction.ROLL
    fallen = looked_after(
        held_spread(7), (3.6, 3.7), (1.65, 1.75), *LATER_PUTS, chain_changes=FALLEN
    )
    assert the_only(successor_to(denied, fallen)).legs == denied.legs


def test_a_denied_roll_of_a_covered_call_is_offered_again_into_the_same_call():
    call = expiring(6, right=Right.CALL, strike=Decimal(660), con_id=3001)
    later = expiring(34, right=Right.CALL, strike=Decimal(665), con_id=3002)
    state = account(stock_position(100), short(call))
    seen_first = seen(call, 8.9, 9.1, delta=0.6), seen(later, 13.4, 13.6, delta=0.45)
    denied = the_only(wheel(state, *seen_first, price=663.0))
    assert denied.action is RecommendationAction.ROLL
    seen_again = seen(call, 9.9, 10.1, delta=0.65), seen(later, 14.4, 14.6, delta=0.48)
    again = successor_to(denied, wheel(state, *seen_again, price=664.5))
    assert the_only(again).legs == denied.legs
    assert the_only(again).reference_underlying_price == dec("664.5")


# --- what would be another trade -----------------------------------------------------------


def test_a_roll_that_no_longer_pays_is_not_turned_into_buying_in():
    """The chain of a successor holds one target; that there is no other it cannot tell."""
    option = expiring(6)
    target = contract(expiry=expiring(50).expiry, strike=Decimal(630), con_id=2002)
    state = account(short(option))
    held = seen(option, 8.9, 9.1, delta=-0.5)
    denied = the_only(wheel(state, held, seen(target, 9.4, 9.6), price=639.0))
    found = wheel(state, held, seen(target, 8.4, 8.6), price=639.0)
    assert the_only(found).action is RecommendationAction.CLOSE
    left = successor_to(denied, found)
    assert left.proposals == ()
    assert [(each.recommended, each.why_not != "") for each in left.opportunities] == [
        (False, True)
    ]
    assert (left.no_trade_reason or "").startswith("The strategy no longer wants the trade")


def test_a_denied_sale_is_never_answered_by_buying_in_what_is_held_of_it():
    option = contract()
    denied = the_only(wheel(account(), row(), price=656.2))
    assert denied.contract == option
    found = wheel(account(short(option)), seen(option, 1.0, 1.1), price=656.2)
    assert the_only(found).action is RecommendationAction.CLOSE
    assert successor_to(denied, found).proposals == ()


def test_a_spread_is_never_succeeded_by_its_short_put_alone():
    """As after a change of the configuration between the two runs."""
    denied = offered(index_row(), index_row(**WING)).terms
    naked = offered(index_row(), index_row(**WING), wing_width=None).terms
    assert naked.contract == denied.contract
    assert not is_same_trade(denied, naked)


def test_what_is_the_same_trade_is_left_as_it_was_found():
    found = run(index_row(), index_row(**WING))
    assert successor_to(the_only(found), found) is found
