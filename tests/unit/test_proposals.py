from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import PriceIncrements, Side
from domain.proposals import (
    OfferPolicy,
    TradeIdea,
    build_proposal,
    build_terms,
    offer_deadline,
    offer_prices,
)
from domain.recommendations import RecommendationAction
from domain.risk.state import compute_risk_state
from domain.strategies.base import Opportunity
from domain.strategies.wheel import Wheel
from tests.unit.trade_factories import (
    ACCOUNT,
    NICKELS,
    NOW,
    account,
    chain,
    context,
    contract,
    dec,
    row,
    terms,
)


def policy(**changes: Any) -> OfferPolicy:
    fields: dict[str, Any] = {
        "concession": Decimal("0.05"),
        "max_drift": Decimal("0.01"),
        "decision_minutes": 30,
    }
    return OfferPolicy(**fields | changes)


def priced(side: Side, bid: object, ask: object, **changes: Any) -> tuple[Decimal, Decimal]:
    prices = offer_prices(side, dec(bid), dec(ask), NICKELS, policy(**changes))
    return prices.limit_price, prices.floor_price


def test_a_sale_starts_at_mid_rounded_in_our_favour():
    assert priced(Side.SELL, "4.10", "4.25")[0] == Decimal("4.20")


def test_a_purchase_starts_at_mid_rounded_in_our_favour():
    assert priced(Side.BUY, "4.10", "4.25")[0] == Decimal("4.15")


def test_in_a_tight_market_the_floor_is_the_concession_below_mid():
    assert priced(Side.SELL, "2.00", "2.00") == (Decimal("2.00"), Decimal("1.90"))


def test_in_a_wide_market_the_floor_is_the_bid():
    assert priced(Side.SELL, "1.80", "2.20") == (Decimal("2.00"), Decimal("1.80"))


def test_the_least_credit_worth_taking_lifts_the_floor():
    least = Decimal("1.933")
    assert priced(Side.SELL, "1.80", "2.20", worst_price=least)[1] == Decimal("1.94")


def test_the_least_credit_lifts_the_limit_too_when_mid_is_below_it():
    least = Decimal("2.10")
    assert priced(Side.SELL, "1.80", "2.20", worst_price=least) == (least, least)


def test_a_purchase_pays_at_most_the_ask_or_the_concession():
    assert priced(Side.BUY, "1.80", "2.20") == (Decimal("2.00"), Decimal("2.20"))
    assert priced(Side.BUY, "2.00", "2.00") == (Decimal("2.00"), Decimal("2.10"))


def test_a_purchase_never_pays_more_than_its_worst_price():
    assert priced(Side.BUY, "1.80", "2.20", worst_price=Decimal("1.95")) == (
        Decimal("1.95"),
        Decimal("1.95"),
    )


def test_a_purchase_of_almost_nothing_bids_one_step():
    nickels = PriceIncrements.flat(dec("0.05"))
    prices = offer_prices(Side.BUY, dec("0.02"), dec("0.06"), nickels, policy())
    assert (prices.limit_price, prices.floor_price) == (dec("0.05"), dec("0.05"))


def test_a_purchase_that_may_not_cost_even_one_step_is_refused():
    with pytest.raises(GreenlightError) as caught:
        priced(Side.BUY, "1.80", "2.20", worst_price=Decimal("0.009"))
    assert caught.value.code is ErrorCode.DATA_INVALID


@pytest.mark.parametrize(("bid", "ask"), [("4.20", "4.10"), ("0", "4.10"), ("-1", "1")])
def test_there_is_no_offer_into_a_market_that_is_none(bid: str, ask: str):
    with pytest.raises(GreenlightError) as caught:
        priced(Side.SELL, bid, ask)
    assert caught.value.code is ErrorCode.DATA_INVALID


def test_a_deadline_never_passes_the_close():
    close = NOW + timedelta(minutes=10)
    assert offer_deadline(NOW, close, 30) == close
    assert offer_deadline(NOW, close, 3) == NOW + timedelta(minutes=3)


def test_after_the_close_nothing_can_be_offered():
    with pytest.raises(GreenlightError) as caught:
        offer_deadline(NOW, NOW, 30)
    assert caught.value.code is ErrorCode.MARKET_CLOSED


def test_terms_keep_the_market_they_were_made_in():
    idea = TradeIdea.from_chain(
        chain(row()), 0, ACCOUNT, Side.SELL, RecommendationAction.OPEN, quantity=2
    )
    made = build_terms(idea, policy(), NOW, NOW + timedelta(hours=6))
    assert made == terms(reference_bid=Decimal("4.1"), reference_ask=Decimal("4.2"))
    assert made.hash == terms().hash


def an_opportunity() -> Opportunity:
    state = account()
    result = Wheel().generate_signals(state, compute_risk_state(state), context(chain(row())))
    return result.opportunities[0]


def test_terms_of_another_contract_are_no_proposal():
    other = terms(contract=contract(con_id=5, strike=Decimal(630)))
    with pytest.raises(GreenlightError) as caught:
        build_proposal(an_opportunity(), other, ["because"], 0.5)
    assert caught.value.code is ErrorCode.DATA_INVALID


def test_terms_on_the_other_side_are_no_proposal():
    with pytest.raises(GreenlightError):
        build_proposal(an_opportunity(), terms(side=Side.BUY), ["because"], 0.5)


@pytest.mark.parametrize(("given", "kept"), [(-0.2, 0.0), (0.4, 0.4), (1.7, 1.0)])
def test_confidence_stays_between_nothing_and_certainty(given: float, kept: float):
    assert build_proposal(an_opportunity(), terms(), ["because"], given).confidence == kept


def test_a_proposal_keeps_the_rules_of_its_opportunity():
    opportunity = an_opportunity()
    proposal = build_proposal(opportunity, terms(), ["because"], 0.5)
    assert proposal.rule_trace == opportunity.rules
    assert proposal.opportunity_rank == opportunity.rank
