"""What the Wheel does about options it has sold, and about shares it was assigned."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.instruments import OptionContract, Right, Side
from domain.portfolio import AccountState
from domain.recommendations import RecommendationAction
from domain.risk.state import compute_risk_state
from domain.strategies.base import SignalKind, StrategyResult
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from domain.strategies.wheel_cycle import WheelCycle
from tests.unit.selling import days, expiring, seen, short
from tests.unit.trade_factories import (
    NOW,
    account,
    chain,
    context,
    contract,
    dec,
    option_position,
    row,
    stock_position,
)

HELD = expiring(28)
LATER = {"con_id": 2002, "expiry": days(50), "strike": 630.0, "bid": 9.4, "ask": 9.6}


def run(state: AccountState, *rows: dict[str, Any], **changes: Any) -> StrategyResult:
    fields: dict[str, Any] = {"universe": ("SPY",)}
    config = WheelConfig(**fields | changes.pop("config", {}))
    price = changes.pop("price", 656.2)
    seen_market = chain(*rows, underlying_price=price)
    return Wheel().generate_signals(
        state, compute_risk_state(state), context(seen_market, config=config, **changes)
    )


def put_held_for(dte: int) -> tuple[OptionContract, AccountState]:
    option = expiring(dte)
    return option, account(short(option))


# --- closing -------------------------------------------------------------------------------


def test_a_put_that_has_earned_half_its_credit_is_bought_in_at_no_more_than_that():
    result = run(account(short(HELD, contracts=2)), seen(HELD, 1.90, 2.00))
    (proposal,) = result.proposals
    terms = proposal.terms
    assert (terms.action, terms.side, terms.quantity) == (
        RecommendationAction.CLOSE,
        Side.BUY,
        2,
    )
    assert (terms.limit_price, terms.floor_price) == (dec("1.95"), dec("2.00"))
    assert result.signals[0].kind is SignalKind.CLOSE_POSITION
    assert [(rule.rule, rule.passed) for rule in proposal.rule_trace] == [("take_profit", True)]
    assert "51% of the credit is earned; 50% is enough." in proposal.rationale
    assert "a gain of 410 USD" in proposal.rationale[2]


def test_the_profit_aimed_at_is_never_given_away_to_a_wide_market():
    result = run(account(short(HELD)), seen(HELD, 1.60, 2.30))
    assert result.proposals[0].terms.floor_price == dec("2.00")


def test_a_put_short_of_its_target_is_kept_and_the_signal_says_how_far_it_is():
    result = run(account(short(HELD)), seen(HELD, 2.10, 2.20))
    assert result.proposals == ()
    assert result.signals[0].kind is SignalKind.HOLD_POSITION
    assert result.signals[0].facts["captured"] == pytest.approx(0.4625)
    assert "46% of the credit is earned so far." in (result.no_trade_reason or "")


def test_a_loss_of_the_set_multiple_is_cut_at_the_market():
    result = run(account(short(HELD)), seen(HELD, 7.90, 8.20), config={"stop_multiple": Decimal(2)})
    (proposal,) = result.proposals
    assert proposal.rule_trace[0].rule == "loss_stop"
    assert proposal.terms.floor_price >= dec("8.20")


def test_without_a_stop_a_loss_alone_moves_nothing():
    assert run(account(short(HELD)), seen(HELD, 7.90, 8.20)).proposals == ()


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"bid": 0.0}, "bid_positive"),
        ({"bid": 2.2}, "not_crossed"),
        ({"ask": float("nan")}, "quote_present"),
        ({"delta": float("nan")}, "delta_known"),
    ],
)
def test_a_faulty_market_closes_nothing_and_says_why(changes: dict[str, Any], rule: str):
    result = run(account(short(HELD)), seen(HELD, 1.0, 1.1) | changes)
    assert result.proposals == ()
    assert result.signals[0].kind is SignalKind.DATA_UNUSABLE
    assert rule in result.signals[0].summary


def test_a_put_that_the_chain_does_not_have_is_left_alone():
    result = run(account(short(HELD)), row(con_id=5))
    assert result.proposals == ()
    assert "the chain does not have it" in result.signals[0].summary


def test_a_put_sold_for_nothing_known_is_left_alone():
    result = run(account(short(HELD, credit="0")), seen(HELD, 1.0, 1.1))
    assert "what it was sold for is not known" in result.signals[0].summary


def test_too_much_margin_in_use_still_lets_a_close_through():
    state = account(short(HELD), maint_margin=Decimal(400_000))
    assert len(run(state, seen(HELD, 1.0, 1.1)).proposals) == 1


def test_nothing_is_closed_while_another_trade_on_the_name_is_under_way():
    result = run(account(short(HELD)), seen(HELD, 1.0, 1.1), working_symbols=frozenset({"SPY"}))
    assert result.proposals == ()


def test_a_closing_offer_is_ranked_before_any_sale():
    other = chain(
        row(trading_class="AA", con_id=9, strike=50.0, bid=0.49, ask=0.51, delta=-0.25),
        symbol="AA",
        underlying_price=52.0,
    )
    state = account(short(HELD))
    market = chain(seen(HELD, 1.0, 1.1))
    result = Wheel().generate_signals(
        state,
        compute_risk_state(state),
        context(other, market, config=WheelConfig(universe=("AA", "SPY"))),
    )
    assert [each.action for each in result.opportunities] == [
        RecommendationAction.CLOSE,
        RecommendationAction.OPEN,
    ]
    assert [each.opportunity_rank for each in result.proposals] == [1, 2]


# --- rolling -------------------------------------------------------------------------------


def test_a_put_tested_near_expiry_is_rolled_down_and_out_for_a_credit():
    option, state = put_held_for(6)
    result = run(state, seen(option, 8.9, 9.1, delta=-0.5), row(**LATER), price=639.0)
    (proposal,) = result.proposals
    terms = proposal.terms
    assert terms.action is RecommendationAction.ROLL
    assert [leg.contract.con_id for leg in terms.legs] == [option.con_id, 2002]
    assert terms.limit_price == dec("-0.50")
    assert terms.floor_price <= dec("-0.01")
    assert {rule.rule for rule in proposal.rule_trace} == {"tested", "roll_credit"}
    assert proposal.rationale[0].startswith("SPY at 639.00 has reached the strike with 6 days")


def test_of_several_rolls_the_strike_furthest_out_wins():
    option, state = put_held_for(6)
    nearer = row(**LATER | {"con_id": 2003, "strike": 635.0, "bid": 11.4, "ask": 11.6})
    result = run(state, seen(option, 8.9, 9.1, delta=-0.5), nearer, row(**LATER), price=639.0)
    assert result.proposals[0].terms.contract.con_id == 2002


REFUSED_TARGETS: list[tuple[str, dict[str, Any], str]] = [
    ("a debit", {"bid": 8.8, "ask": 9.0}, "credit"),
    ("sooner", {"expiry": days(6)}, "later"),
    ("too far away in time", {"expiry": days(61)}, "dte"),
    ("nearer to the money", {"strike": 641.0}, "no_nearer"),
    ("too wide a step", {"strike": 570.0}, "width"),
    ("too high a delta", {"delta": -0.51}, "delta"),
    ("too wide a market", {"bid": 9.2, "ask": 11.0}, "spread"),
    ("no bid", {"bid": 0.0}, "bid_positive"),
    ("another multiplier", {"multiplier": 10.0}, "same_multiplier"),
]


@pytest.mark.parametrize(
    ("changes", "rule"), [pytest.param(*rest, id=name) for name, *rest in REFUSED_TARGETS]
)
def test_a_target_that_breaks_a_rule_is_not_rolled_into_and_the_put_is_closed(
    changes: dict[str, Any], rule: str
):
    option, state = put_held_for(6)
    target = row(**LATER | changes)
    result = run(state, seen(option, 8.9, 9.1, delta=-0.5), target, price=639.0)
    (proposal,) = result.proposals
    assert proposal.terms.action is RecommendationAction.CLOSE
    eliminated = result.signals[0].facts["roll_eliminated"]
    assert isinstance(eliminated, dict)
    assert rule in eliminated


def test_unable_to_roll_it_is_kept_where_the_config_says_so():
    option, state = put_held_for(6)
    result = run(
        state,
        seen(option, 8.9, 9.1, delta=-0.5),
        price=639.0,
        config={"close_if_unable": False},
    )
    assert result.proposals == ()
    assert result.signals[0].kind is SignalKind.HOLD_POSITION


def test_a_tested_put_far_from_expiry_is_not_rolled_yet():
    option, state = put_held_for(8)
    result = run(state, seen(option, 8.9, 9.1, delta=-0.5), row(**LATER), price=639.0)
    assert result.proposals == ()


def test_a_time_exit_closes_where_rolling_is_off():
    option, state = put_held_for(5)
    result = run(state, seen(option, 3.0, 3.1), row(**LATER), config={"exit_dte": 5, "roll": False})
    assert result.proposals[0].terms.action is RecommendationAction.CLOSE
    assert result.proposals[0].rule_trace[0].rule == "time_exit"


def cycle(**changes: Any) -> WheelCycle:
    fields: dict[str, Any] = {"symbol": "SPY", "started_at": NOW}
    return WheelCycle(**fields | changes)


@pytest.mark.parametrize(("earned", "rolls"), [("350", True), ("299", False)])
def test_rolls_at_a_debit_stop_at_the_cycles_high_water_mark(earned: str, rolls: bool):
    """A debit of 0.50 takes 50; of a high of 400 no more than a quarter may be given back."""
    option, state = put_held_for(6)
    target = row(**LATER | {"bid": 8.45, "ask": 8.55})
    result = run(
        state,
        seen(option, 8.9, 9.1, delta=-0.5),
        target,
        price=639.0,
        config={"roll_min_credit": Decimal(-1)},
        cycles={"SPY": cycle(premium=Decimal(earned), premium_high=Decimal(400))},
    )
    action = result.proposals[0].terms.action
    assert (action is RecommendationAction.ROLL) is rolls


def test_even_the_worst_price_of_a_roll_keeps_the_high_water_mark():
    option, state = put_held_for(6)
    result = run(
        state,
        seen(option, 8.9, 9.1, delta=-0.5),
        row(**LATER | {"bid": 8.45, "ask": 8.55}),
        price=639.0,
        config={"roll_min_credit": Decimal(-1), "price_concession": Decimal("0.5")},
        cycles={"SPY": cycle(premium=Decimal(360), premium_high=Decimal(400))},
    )
    assert result.proposals[0].terms.floor_price == dec("0.60")


# --- covered calls -------------------------------------------------------------------------

CALL = contract(right=Right.CALL, strike=Decimal(680), con_id=3001)


def call_row(**changes: Any) -> dict[str, Any]:
    return seen(CALL, 4.1, 4.2) | changes


def test_shares_that_were_assigned_are_written_on_instead_of_selling_another_put():
    result = run(account(stock_position(200)), call_row(), row())
    (proposal,) = result.proposals
    assert proposal.terms.contract == CALL
    assert (proposal.terms.side, proposal.terms.quantity) == (Side.SELL, 2)
    assert result.eliminated == {"is_call": 1}
    assert "200 shares that have cost 600.00" in proposal.rationale[3]
    assert "a gain of 16,830 USD" in proposal.rationale[4]


def test_shares_already_written_on_are_not_written_on_again():
    written = option_position(-1, CALL, average_cost=Decimal(300))
    result = run(account(stock_position(199), written), call_row())
    assert [each.terms.action for each in result.proposals] == []
    assert result.signals[-1].kind is SignalKind.SKIPPED


@pytest.mark.parametrize(
    ("basis", "allowed", "offered"),
    [("680", False, True), ("680.01", False, False), ("700", True, True)],
)
def test_no_call_is_struck_below_the_cost_of_its_shares_unless_that_is_allowed(
    basis: str, allowed: bool, offered: bool
):
    state = account(stock_position(100, average_cost=Decimal(basis)))
    result = run(state, call_row(), config={"calls_below_cost": allowed})
    assert bool(result.proposals) is offered
    if not offered:
        assert result.eliminated == {"cost_basis": 1}


def test_premiums_and_dividends_of_the_cycle_lower_the_cost_calls_are_held_against():
    state = account(stock_position(100, average_cost=Decimal(690)))
    earned = cycle(
        shares=Decimal(100),
        share_cost=Decimal(69_000),
        premium=Decimal(900),
        dividends=Decimal(150),
    )
    result = run(state, call_row(), cycles={"SPY": earned})
    assert result.proposals[0].rule_trace[-2].value == "strike 680, cost 679.5"


def test_a_cycle_that_does_not_explain_the_shares_held_is_not_believed():
    state = account(stock_position(100, average_cost=Decimal(690)))
    other = cycle(shares=Decimal(200), share_cost=Decimal(120_000))
    assert run(state, call_row(), cycles={"SPY": other}).proposals == ()


def test_shares_of_unknown_cost_are_not_written_on():
    result = run(account(stock_position(100, average_cost=Decimal(0))), call_row())
    assert result.eliminated == {"cost_basis_known": 1}


def test_a_call_with_most_of_its_credit_earned_is_bought_in():
    written = option_position(-1, CALL, average_cost=Decimal(420))
    result = run(account(stock_position(100), written), call_row(bid=1.9, ask=2.0))
    assert [each.terms.action for each in result.proposals] == [RecommendationAction.CLOSE]


def test_a_tested_call_is_rolled_up_and_out():
    option = expiring(6, right=Right.CALL, strike=Decimal(650), con_id=3002)
    higher = expiring(48, right=Right.CALL, strike=Decimal(660), con_id=3003)
    result = run(
        account(stock_position(100), short(option)),
        seen(option, 8.9, 9.1, delta=0.6),
        seen(higher, 9.4, 9.6, delta=0.45),
    )
    (proposal,) = result.proposals
    assert proposal.terms.action is RecommendationAction.ROLL
    assert proposal.terms.contract == higher


def test_the_chain_is_read_wider_only_where_something_is_held():
    config = WheelConfig(universe=("SPY",))
    plain, shares = Wheel.window_on(config, ()), Wheel.window_on(config, (stock_position(100),))
    held = Wheel.window_on(config, (short(HELD),))
    assert plain == Wheel.chain_window(config)
    assert (plain.calls, shares.calls, held.calls) == (False, True, False)
    assert (plain.max_dte, held.max_dte, held.max_abs_delta) == (45, 60, 0.5)
