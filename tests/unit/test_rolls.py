"""The offer of a roll: from a short option that is held to terms a person can approve."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Settlement, Side
from domain.market import OptionChain
from domain.package_offers import (
    PackageIdea,
    PackagePolicy,
    build_package_terms,
    package_prices,
)
from domain.packages import combo_increments, package_quote
from domain.recommendations import RecommendationAction
from domain.rolls import roll_of, roll_rationale
from tests.unit.trade_factories import (
    ACCOUNT,
    CLOSE,
    NOW,
    TARGET,
    chain,
    contract,
    dec,
    option_position,
    quote,
    roll,
    row,
    stock_position,
)

LATER: dict[str, Any] = {
    "con_id": TARGET.con_id,
    "strike": 635.0,
    "expiry": (TARGET.expiry - date(1970, 1, 1)).days,
    "bid": 5.3,
    "ask": 5.4,
}


def policy(**changes: Any) -> PackagePolicy:
    fields: dict[str, Any] = {
        "concession": dec("0.02"),
        "max_drift": dec("0.01"),
        "decision_minutes": 30,
    }
    return PackagePolicy(**fields | changes)


def listed(**changes: Any) -> OptionChain:
    return chain(row(), row(**LATER), **changes)


def idea(**changes: Any) -> PackageIdea:
    """Rolling 2 SPY 640 puts (4.10 × 4.20) to later 635 ones (5.30 × 5.40)."""
    held = option_position(-2, contract())
    return roll_of(listed(**changes), held, 1, ACCOUNT)


def test_the_terms_of_a_roll_say_what_is_bought_in_what_is_sold_and_for_how_much():
    terms = build_package_terms(idea(), policy(), NOW, CLOSE)
    assert terms.action is RecommendationAction.ROLL
    assert [(leg.contract.con_id, leg.side) for leg in terms.legs] == [
        (1001, Side.BUY),
        (1002, Side.SELL),
    ]
    assert (terms.quantity, terms.limit_price, terms.floor_price) == (2, dec("-1.2"), dec("-1.1"))
    assert (terms.reference_bid, terms.reference_ask) == (dec("-1.3"), dec("-1.1"))
    assert terms.deadline == NOW + timedelta(minutes=30)


def test_the_concession_is_measured_by_the_dearer_leg_and_not_by_the_net_price():
    wide = build_package_terms(idea(), policy(concession=dec("0.1")), NOW, CLOSE)
    assert wide.floor_price == dec("-0.67")  # 1.20 less a tenth of 5.35, rounded in our favour


def test_no_roll_is_offered_for_less_than_the_least_credit():
    firm = build_package_terms(idea(), policy(least_credit=dec("1.15")), NOW, CLOSE)
    assert (firm.limit_price, firm.floor_price) == (dec("-1.2"), dec("-1.15"))
    dear = build_package_terms(idea(), policy(least_credit=dec("1.5")), NOW, CLOSE)
    assert (dear.limit_price, dear.floor_price) == (dec("-1.5"), dec("-1.5"))


def test_a_part_of_what_is_held_can_be_rolled():
    held = option_position(-5, contract())
    assert roll_of(listed(), held, 1, ACCOUNT, 3).quantity == 3
    assert roll_of(listed(), held, 1, ACCOUNT).quantity == 5


@pytest.mark.parametrize(
    "held", [option_position(2, contract()), option_position(-1, contract()), stock_position(100)]
)
def test_only_what_is_held_short_can_be_rolled(held: Any):
    with pytest.raises(GreenlightError) as caught:
        roll_of(listed(), held, 1, ACCOUNT, 2)
    assert caught.value.code is ErrorCode.DATA_INVALID


def test_a_held_option_that_the_chain_does_not_show_is_not_rolled_on_a_guess():
    held = option_position(-2, contract(con_id=4711))
    with pytest.raises(GreenlightError) as caught:
        roll_of(listed(), held, 1, ACCOUNT)
    assert caught.value.code is ErrorCode.QUOTE_MISSING


@pytest.mark.parametrize("change", [{"bid": None}, {"ask": None}, {"bid": 5.5}])
def test_a_leg_without_a_market_makes_no_offer(change: dict[str, Any]):
    broken = chain(row(), row(**LATER | change))
    thought = roll_of(broken, option_position(-2, contract()), 1, ACCOUNT)
    with pytest.raises(GreenlightError) as caught:
        build_package_terms(thought, policy(), NOW, CLOSE)
    assert caught.value.code is ErrorCode.DATA_INVALID


def test_index_rolls_are_priced_in_nickels():
    terms = build_package_terms(idea(settlement=Settlement.CASH), policy(), NOW, CLOSE)
    assert terms.increments == combo_increments(Settlement.CASH)
    assert terms.limit_price % dec("0.05") == 0


def test_the_rationale_names_both_options_the_money_and_the_cash():
    terms = build_package_terms(idea(), policy(), NOW, CLOSE)
    words = " ".join(roll_rationale(idea(), terms))
    assert "Roll 2 SPY 18 Dec 2026 640 puts to 15 Jan 2027 635 for a credit of 1.20" in words
    assert "never worse than a credit of 1.10" in words
    assert "brings 240 USD and moves the expiry by 28 days" in words
    assert "Further cash needed if assigned: 0 USD" in words


cents = st.integers(1, 5_000).map(lambda n: Decimal(n) / 100)
spreads = st.integers(0, 200).map(lambda n: Decimal(n) / 100)


@given(cents, spreads, cents, spreads, st.integers(-500, 500), st.sampled_from(list(Settlement)))
def test_prices_of_a_roll_lie_on_steps_and_never_pass_the_least_credit(
    near: Decimal, near_spread: Decimal, far: Decimal, far_spread: Decimal, least: int,
    settlement: Settlement,
):  # fmt: skip
    quotes = (quote(bid=near, ask=near + near_spread), quote(bid=far, ask=far + far_spread))
    market = package_quote(roll().legs, quotes)
    steps = combo_increments(settlement)
    bound = policy(least_credit=Decimal(least) / 100)
    prices = package_prices(market, steps, bound)
    assert steps.accepts(prices.limit_price)
    assert steps.accepts(prices.floor_price)
    assert prices.limit_price <= prices.floor_price <= -bound.least_credit
