from __future__ import annotations

from datetime import timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import PriceIncrements, Side
from domain.recommendations import (
    APPROVAL_GRACE,
    RECOMMENDATION_TRANSITIONS,
    DecisionAction,
    RecommendationAction,
    RecommendationState,
    approval_freshness,
    approved_trade,
    check_within_terms,
    walked_price,
)
from tests.unit.trade_factories import NOW, approval, quote, terms, trade


def refused(code: ErrorCode) -> Any:
    return pytest.raises(GreenlightError, match=f"^{code}:")


def test_an_approval_allows_exactly_what_was_offered():
    offered = terms()
    allowed = approved_trade(offered, approval(offered))
    assert (allowed.quantity, allowed.limit_price, allowed.floor_price) == (
        2,
        Decimal("4.15"),
        Decimal("3.95"),
    )


def test_an_approver_may_ask_for_fewer_and_for_a_better_price():
    offered = terms()
    decision = approval(offered, quantity=1, limit_price=Decimal("4.30"))
    allowed = approved_trade(offered, decision)
    assert allowed.quantity == 1
    assert allowed.limit_price == allowed.floor_price == Decimal("4.30")


def test_an_approver_of_a_purchase_may_only_bid_less():
    offered = terms(side=Side.BUY, action=RecommendationAction.CLOSE)
    assert check_within_terms(offered, None, Decimal("4.00")) == (2, Decimal("4.00"))
    with refused(ErrorCode.OUTSIDE_TERMS):
        check_within_terms(offered, None, Decimal("4.20"))


@pytest.mark.parametrize("quantity", [0, -1, 3])
def test_more_than_offered_or_nothing_is_outside_the_terms(quantity: int):
    with refused(ErrorCode.OUTSIDE_TERMS) as caught:
        check_within_terms(terms(), quantity, None)
    assert caught.value.context["field"] == "quantity"


def test_a_worse_price_is_outside_the_terms():
    with refused(ErrorCode.OUTSIDE_TERMS) as caught:
        check_within_terms(terms(), None, Decimal("4.10"))
    assert caught.value.context["field"] == "limit_price"


def test_a_price_between_increments_is_refused():
    with refused(ErrorCode.PRICE_INCREMENT):
        check_within_terms(terms(), None, Decimal("4.17"))


def test_an_approval_of_other_terms_allows_nothing():
    seen, now_offered = terms(), terms(limit_price=Decimal("4.20"))
    with refused(ErrorCode.TERMS_CHANGED):
        approved_trade(now_offered, approval(seen))


def test_a_rejection_allows_nothing():
    offered = terms()
    with refused(ErrorCode.NOT_APPROVED):
        approved_trade(offered, approval(offered, action=DecisionAction.REJECT))


def test_a_walk_goes_from_the_limit_to_the_floor_in_equal_steps():
    prices = [walked_price(trade(), attempt, 5) for attempt in range(1, 6)]
    assert prices == [Decimal(text) for text in ("4.15", "4.10", "4.05", "4.00", "3.95")]


def test_a_single_attempt_stays_at_the_limit():
    assert walked_price(trade(), 1, 1) == Decimal("4.15")


def test_attempts_past_the_last_stay_at_the_floor():
    assert walked_price(trade(), 9, 5) == Decimal("3.95")


def test_a_purchase_walks_up_to_its_ceiling():
    offered = terms(side=Side.BUY)
    prices = [walked_price(trade(offered), attempt, 3) for attempt in (1, 2, 3)]
    assert prices == [Decimal("4.15"), Decimal("4.25"), Decimal("4.35")]


@pytest.mark.parametrize(
    ("side", "bid", "ask", "walk"),
    [
        (Side.SELL, "4.40", "4.60", ["4.50", "4.45", "4.40"]),
        (Side.SELL, "4.00", "4.50", ["4.25", "4.15", "4.00"]),
        (Side.SELL, "3.50", "3.70", ["4.15", "4.05", "3.95"]),
        (Side.BUY, "3.60", "3.90", ["3.75", "3.80", "3.90"]),
        (Side.BUY, "4.10", "4.30", ["4.15", "4.20", "4.30"]),
        (Side.BUY, "4.60", "4.80", ["4.15", "4.25", "4.35"]),
    ],
    ids=[
        "a sale into a better market",
        "a sale that need not reach its floor",
        "a sale into a worse market",
        "a purchase in a better market",
        "a purchase that need not reach its ceiling",
        "a purchase in a worse market",
    ],
)
def test_a_better_market_betters_the_walk_and_a_worse_one_changes_nothing(
    side: Side, bid: str, ask: str, walk: list[str]
):
    approved = trade(terms(side=side))
    now = quote(bid=Decimal(bid), ask=Decimal(ask))
    prices = [walked_price(approved, attempt, 3, now) for attempt in (1, 2, 3)]
    assert prices == [Decimal(text) for text in walk]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    "changes",
    [{"bid": None}, {"ask": None}, {"bid": Decimal(-1)}, {"bid": Decimal(9), "ask": Decimal(1)}],
    ids=["no bid", "no ask", "no real bid", "crossed"],
)
def test_a_quote_that_is_no_market_changes_no_price(side: Side, changes: dict[str, Any]):
    approved = trade(terms(side=side))
    for attempt in (1, 2, 3):
        with_quote = walked_price(approved, attempt, 3, quote(**changes))
        assert with_quote == walked_price(approved, attempt, 3)


def test_a_purchase_in_a_market_below_the_first_step_bids_one_step():
    nickels = PriceIncrements.flat(Decimal("0.05"))
    offered = terms(
        side=Side.BUY,
        increments=nickels,
        limit_price=Decimal("0.10"),
        floor_price=Decimal("0.15"),
    )
    worthless = quote(bid=Decimal("0.01"), ask=Decimal("0.03"))
    prices = {walked_price(trade(offered), attempt, 3, worthless) for attempt in (1, 2, 3)}
    assert prices == {Decimal("0.05")}


def test_an_approval_is_fresh_until_the_grace_after_its_deadline_is_over():
    offered = terms()
    latest = offered.deadline + APPROVAL_GRACE
    fresh = approval_freshness(offered, latest)
    assert (fresh.passed, fresh.code) == (True, None)
    stale = approval_freshness(offered, latest + timedelta(microseconds=1))
    assert (stale.passed, stale.code) == (False, ErrorCode.RECOMMENDATION_EXPIRED)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"limit_price": Decimal("4.17")}, "limit_price"),
        ({"floor_price": Decimal("3.97")}, "floor_price"),
        ({"floor_price": Decimal("4.20")}, "limit_price 4.15 is worse than floor_price"),
        (
            {"side": Side.BUY, "floor_price": Decimal("4.10")},
            "limit_price 4.15 is worse than floor_price",
        ),
        ({"deadline": NOW}, "deadline"),
        ({"deadline": NOW - timedelta(seconds=1)}, "deadline"),
        ({"limit_price": Decimal(0)}, "limit_price"),
        ({"floor_price": Decimal(0)}, "floor_price"),
        ({"quantity": 0}, "quantity"),
        ({"max_drift": Decimal("1.01")}, "max_drift"),
        ({"legs": ()}, "legs"),
        ({"quoted_at": NOW.replace(tzinfo=None)}, "quoted_at"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_terms_that_contradict_themselves_are_refused_by_name(changes: dict[str, Any], field: str):
    with pytest.raises(ValidationError, match=field):
        terms(**changes)


@pytest.mark.parametrize("side", list(Side))
def test_a_floor_equal_to_the_limit_is_allowed(side: Side):
    assert terms(side=side, floor_price=Decimal("4.15")).floor_price == Decimal("4.15")


def test_final_states_lead_nowhere():
    for state in RecommendationState:
        assert state.is_final == (state not in RECOMMENDATION_TRANSITIONS)


def test_a_refusal_by_a_person_is_no_refusal_by_our_controls():
    proposed = RECOMMENDATION_TRANSITIONS[RecommendationState.PROPOSED]
    approved = RECOMMENDATION_TRANSITIONS[RecommendationState.APPROVED]
    assert RecommendationState.REJECTED in proposed - approved
    assert RecommendationState.DENIED in approved - proposed


def test_terms_are_described_in_a_traders_words():
    assert terms().describe() == "Sell 2 SPY 18 Dec 2026 640 puts at 4.15 or better"
    assert terms(limit_price=Decimal(6)).describe().endswith("at 6.00 or better")
    assert terms(quantity=1).describe().startswith("Sell 1 SPY 18 Dec 2026 640 put at")


def test_the_same_moment_in_another_zone_is_the_same_offer():
    tokyo = timezone(timedelta(hours=9))
    assert terms(quoted_at=NOW.astimezone(tokyo)).hash == terms().hash
