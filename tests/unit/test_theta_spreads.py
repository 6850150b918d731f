"""Theta with a wing: put spreads offered, sized and judged."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.instruments import Leg, Side
from domain.packages import package_quote
from domain.portfolio import AccountState
from domain.recommendations import ApprovedTrade, RecommendationAction
from domain.risk.limits import Limits, TradingState
from domain.risk.pretrade import run_controls
from domain.risk.pretrade_inputs import MarginPreview, PretradeInputs
from domain.risk.state import compute_risk_state
from domain.risk.worst_case import never_worse_after
from domain.strategies.base import Proposal
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from tests.unit.selling import days, index_row
from tests.unit.spreads import BY_WIDTH, WING, held_spread, offered, run
from tests.unit.trade_factories import NOW, TODAY, account, context, dec, in_order, quote

# --- opening -------------------------------------------------------------------------------


def test_a_spread_is_offered_as_one_order_at_one_net_credit():
    terms = offered(index_row(), index_row(**WING)).terms
    assert [(leg.contract.strike, leg.side) for leg in terms.legs] == [
        (620, Side.SELL),
        (600, Side.BUY),
    ]
    # 2.45 less 1.175, in nickels and in our favour.
    assert (terms.limit_price, terms.side) == (dec("-1.30"), Side.BUY)
    assert (terms.reference_bid, terms.reference_ask) == (dec("-1.35"), dec("-1.20"))
    assert terms.contract.strike == 620
    assert "Sell 5 XSP 20 Dec 2026 620 puts, buy 5 XSP 20 Dec 2026 600 puts" in terms.describe()


def test_its_figures_are_those_of_the_spread():
    result = run(index_row(), index_row(**WING))
    (found,) = result.opportunities
    metrics = found.metrics
    assert (metrics.bid, metrics.ask, metrics.mid) == (dec("1.2"), dec("1.35"), dec("1.275"))
    assert metrics.collateral == 2_000
    assert metrics.max_loss == 2_000 - dec("127.5")
    assert metrics.breakeven == dec("618.725")
    assert metrics.wing_strike == 600
    assert metrics.ror == pytest.approx(1.275 / 20)
    assert metrics.spread_fraction == pytest.approx(0.15 / 2.45)
    assert (metrics.delta, metrics.dte) == (-0.12, 30)
    assert result.eliminated == {"delta": 1}, "the wing itself is not for sale"


def test_its_rationale_and_its_rules_say_what_can_be_lost():
    proposal = offered(index_row(), index_row(**WING))
    words = " ".join(proposal.rationale)
    assert "no more than 9,362 USD can be lost: the width of 10,000" in words
    assert "Cash covers all of it; 490,000 USD then stays free." in words
    assert "is 6.38% of its width" in words
    rules = {rule.rule: rule for rule in proposal.rule_trace}
    assert rules["wing"].value == "the 600 put, 20 points below"
    assert rules["wing"].threshold == "≤ 20 points below"


def test_the_floor_keeps_to_the_lowest_return_on_the_width():
    greedy = offered(index_row(), index_row(**WING), min_ror_annualised=0.77)
    # 0.77 a year of 20 points over 30 days is 1.2658.
    assert greedy.terms.floor_price == dec("-1.30")


@pytest.mark.parametrize(
    ("rules", "wanted"),
    [
        ({"wing_width": Decimal(20)}, 600),
        ({"wing_width": Decimal(15)}, 610),
        ({"wing_width": None, "wing_delta": 0.05}, 590),
        ({"wing_width": None, "wing_delta": 0.06}, 600),
        ({"wing_width": None, "wing_delta": 0.001}, None),
        ({"wing_width": Decimal(5)}, None),
        ({"wing_width": Decimal(100)}, None),
    ],
)
def test_the_wing_is_chosen_by_width_or_by_delta(rules: dict[str, Any], wanted: int | None):
    strikes = {610: -0.075, 600: -0.06, 590: -0.04}
    rows = [
        index_row(con_id=strike, strike=float(strike), delta=delta, bid=0.5, ask=0.55)
        for strike, delta in strikes.items()
    ]
    result = run(index_row(), *rows, **rules)
    if wanted is None:
        assert result.proposals == ()
        assert result.eliminated["wing"] >= 1
    else:
        assert result.proposals[0].terms.legs[1].contract.strike == wanted


@pytest.mark.parametrize(
    "fault",
    [
        {"bid": 0.0},
        {"ask": None},
        {"bid": 1.3},
        {"expiry": days(31)},
        {"trading_class": "SPX"},
        {"multiplier": 10.0},
        {"is_call": True, "delta": 0.06},
    ],
)
def test_a_wing_that_cannot_be_bought_or_would_not_cover_makes_no_offer(fault: dict[str, Any]):
    result = run(index_row(), index_row(**WING | fault))
    assert result.proposals == ()


@pytest.mark.parametrize(
    ("config", "state", "spreads"),
    [
        ({"max_contracts": 100}, account(cash=Decimal(7_000)), 3),
        ({"max_contracts": 100, "max_notional": Decimal("0.1")}, account(), 25),
        (
            {"max_contracts": 100, "secured": False, "max_pm_usage": Decimal("0.02")},
            account(cash=Decimal(0)),
            5,
        ),
    ],
)
def test_a_spread_takes_its_width_of_cash_notional_or_margin(
    config: dict[str, Any], state: AccountState, spreads: int
):
    proposal = offered(index_row(), index_row(**WING), state=state, **config)
    assert proposal.terms.quantity == spreads


def test_of_a_spread_an_order_may_have_both_legs_within_its_contracts():
    limits = Limits(max_contracts=6, max_notional=dec(10_000_000))
    config = {"max_contracts": 100, "limits": limits}
    assert offered(index_row(), index_row(**WING), **config).terms.quantity == 3


def test_without_a_wing_nothing_changes():
    result = run(index_row(), index_row(**WING), wing_width=None)
    (proposal,) = result.proposals
    assert len(proposal.terms.legs) == 1
    assert proposal.terms.limit_price == dec("2.45")


@pytest.mark.parametrize(
    "wrong",
    [
        {"wing_width": Decimal(10), "wing_delta": 0.02},
        {"wing_width": None, "wing_delta": 0.10},
        {"wing_width": Decimal(0)},
    ],
)
def test_a_wing_that_contradicts_itself_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError, match="wing"):
        ThetaConfig(**wrong)


def test_the_part_of_the_chain_that_is_read_holds_the_wings():
    assert Theta.chain_window(ThetaConfig()).min_abs_delta == 0.08
    assert Theta.chain_window(ThetaConfig(**BY_WIDTH)).min_abs_delta == 0.0


# --- the controls --------------------------------------------------------------------------


def controls(proposal: Proposal, state: AccountState, **changes: Any) -> dict[str, Any]:
    terms = proposal.terms
    quotes = [
        quote(bid=dec("2.4"), ask=dec("2.5"), underlying_price=dec(660), delta=-0.12, iv=0.2),
        quote(bid=dec("1.15"), ask=dec("1.2"), underlying_price=dec(660), delta=-0.06, iv=0.2),
    ]
    trade = ApprovedTrade(
        recommendation_id=context().instance_id,
        decision_id=context().instance_id,
        terms=terms,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
        floor_price=terms.floor_price,
    )
    fields: dict[str, Any] = {
        "trade": trade,
        "quantity": terms.quantity,
        "limit_price": terms.limit_price,
        "quote": package_quote(terms.legs, quotes[: len(terms.legs)]),
        "account": state,
        "risk": compute_risk_state(state),
        "limits": Limits(max_notional=dec(10_000_000), max_contracts=20),
        "trading_state": TradingState.ACTIVE,
        "market_now": NOW + timedelta(seconds=5),
        "today": TODAY,
        "session_open": True,
        "what_if": MarginPreview(
            init_margin_after=dec(10_000),
            maint_margin_after=dec(10_000),
            equity_with_loan_after=dec(500_000),
        ),
        "held_greeks": {},
    } | in_order(terms)
    given = PretradeInputs(**fields | changes)
    return {result.rule: result for result in run_controls(given)}


def test_a_secured_account_may_sell_spreads_as_far_as_its_cash_covers_their_width():
    proposal = offered(index_row(), index_row(**WING))
    told = controls(proposal, account(cash=dec(10_000)))
    assert all(result.passed for result in told.values())
    assert told["covered"].value == "10000"
    assert told["max_loss"].value == "9350"
    assert told["max_notional"].value == "310000", "the short puts alone"
    assert told["max_contracts"].value == "10"
    assert told["concentration_after"].value == "0.02"
    poor = controls(proposal, account(cash=dec(9_999)))
    assert not poor["covered"].passed


def test_to_sell_the_wing_away_from_under_a_short_put_is_no_reduction():
    spread = held_spread()
    assert spread[1].option is not None
    alone = (Leg(contract=spread[1].option, side=Side.SELL),)
    assert not never_worse_after(spread, alone, 2)
    changes: dict[str, Any] = {
        "action": RecommendationAction.CLOSE,
        "legs": alone,
        "limit_price": dec("2.45"),
        "floor_price": dec("2.40"),
        "reference_bid": dec("2.40"),
        "reference_ask": dec("2.50"),
    }
    opened = offered(index_row(), index_row(**WING))
    closing = opened.model_copy(update={"terms": opened.terms.model_copy(update=changes)})
    told = controls(closing, account(*spread), trading_state=TradingState.HALTED)
    assert not told["trading_state"].passed
