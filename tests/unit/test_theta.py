"""Theta: what it sells, what stops it, and how it lets go."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from domain.instruments import Settlement
from domain.portfolio import AccountState, PositionState
from domain.recommendations import RecommendationAction
from domain.risk.state import compute_risk_state
from domain.strategies.base import SignalKind, StrategyResult
from domain.strategies.theta import Theta, index_put_margin, settlement_words
from domain.strategies.theta_config import ThetaConfig
from tests.unit.selling import days, expiring, index_chain, index_row, seen, short
from tests.unit.trade_factories import Market, account, chain, context, contract, dec, row

RICH = Decimal(5_000_000)


def config(**changes: Any) -> ThetaConfig:
    return ThetaConfig(**changes)


def run(
    *rows: dict[str, Any],
    state: AccountState | None = None,
    vix: float | None = 18.0,
    chain_changes: dict[str, Any] | None = None,
    **changes: Any,
) -> StrategyResult:
    state = state or account()
    market = Market({"XSP": index_chain(*rows, **chain_changes or {})}, vix=vix)
    fields: dict[str, Any] = {"config": config(), "market": market}
    return Theta().generate_signals(state, compute_risk_state(state), context(**fields | changes))


def held_put(dte: int = 30, credit: str = "2.40", con_id: int = 7001) -> PositionState:
    option = expiring(dte, symbol="XSP", trading_class="XSP", strike=Decimal(620), con_id=con_id)
    return short(option, credit).model_copy(update={"settlement": Settlement.CASH})


def row_of(position: PositionState, bid: float, ask: float, **changes: Any) -> dict[str, Any]:
    assert position.option is not None
    return seen(position.option, bid, ask, **changes)


def test_an_index_put_that_passes_every_rule_is_proposed_with_its_reasons():
    (proposal,) = run(index_row()).proposals
    assert proposal.terms.limit_price == dec("2.45")
    assert proposal.terms.quantity == 4, "half of 500,000 holds four strikes of 62,000"
    words = " ".join(proposal.rationale)
    assert "settles in cash at the close of 20 Dec 2026" in words
    assert "no shares are delivered, and the most it could cost is 248,000 USD" in words
    assert {"ladder", "size", "vix", "delta", "ror_annualised"} <= {
        rule.rule for rule in proposal.rule_trace
    }
    assert all(rule.passed for rule in proposal.rule_trace)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("delta too high", {"delta": -0.17}, "delta"),
    ("delta too low", {"delta": -0.07}, "delta"),
    ("too soon", {"expiry": days(24)}, "dte"),
    ("too late", {"expiry": days(46)}, "dte"),
    ("too poor", {"bid": 0.4, "ask": 0.42}, "ror_annualised"),
    ("too wide", {"bid": 2.0, "ask": 2.5}, "spread"),
    ("zero bid", {"bid": 0.0}, "bid_positive"),
    ("crossed", {"bid": 2.6}, "not_crossed"),
]


@pytest.mark.parametrize(
    ("changes", "rule"), [pytest.param(*rest, id=name) for name, *rest in REFUSED]
)
def test_each_rule_removes_its_own_fault(changes: dict[str, Any], rule: str):
    result = run(index_row(**changes))
    assert result.proposals == ()
    assert result.eliminated == {rule: 1}


def test_a_premium_target_bounds_what_is_sold():
    assert run(index_row(), config=config(max_premium=Decimal("2.44"))).eliminated == {"premium": 1}
    assert run(index_row(), config=config(min_bid=Decimal("2.41"))).eliminated == {"bid": 1}


@pytest.mark.parametrize(
    ("vix", "words"),
    [(None, "not known"), (float("nan"), "not known"), (35.1, "above"), (11.9, "below")],
)
def test_the_vix_gates_shut_out_every_sale_and_say_so(vix: float | None, words: str):
    result = run(index_row(), vix=vix, config=config(min_vix=12.0))
    assert result.proposals == ()
    assert words in (result.no_trade_reason or "")
    assert result.opportunities[0].why_not == result.no_trade_reason


def test_without_gates_the_vix_need_not_be_known():
    open_gates = config(min_vix=None, max_vix=None)
    (proposal,) = run(index_row(), vix=None, config=open_gates).proposals
    assert "vix" not in {rule.rule for rule in proposal.rule_trace}


def test_margin_usage_shuts_out_every_sale():
    assert "Margin usage" in (
        run(index_row(), state=account(maint_margin=Decimal(300_000))).no_trade_reason or ""
    )


def test_a_shut_gate_still_lets_a_close_through():
    held = held_put()
    result = run(row_of(held, 1.0, 1.1), state=account(held), vix=None)
    assert [each.terms.action for each in result.proposals] == [RecommendationAction.CLOSE]


def test_the_ladder_sells_one_rung_per_expiry_and_keeps_them_apart():
    rows = [
        index_row(con_id=7000 + dte, expiry=days(dte), bid=2.4 + dte / 100, ask=2.5 + dte / 100)
        for dte in (28, 30, 35, 42)
    ]
    rows.append(index_row(con_id=8000, expiry=days(28), strike=610.0))
    state = account(net_liquidation=RICH, cash=RICH, equity_with_loan=RICH)
    result = run(*rows, state=state, config=config(max_contracts=1))
    sold = sorted(each.terms.contract.expiry.toordinal() for each in result.proposals)
    assert len(sold) == 3
    assert min(b - a for a, b in pairwise(sold)) >= 5
    refused = {each.why_not for each in result.opportunities if each.why_not}
    assert "A better put takes the rung of this expiry." in refused


def test_rungs_held_are_kept_clear_of_and_a_full_ladder_sells_nothing():
    held = held_put(30, con_id=7100)
    near = index_row(expiry=days(33))
    result = run(near, row_of(held, 2.2, 2.3), state=account(held))
    assert result.eliminated["rung_free"] == 1
    full = run(near, row_of(held, 2.2, 2.3), state=account(held), config=config(ladder_rungs=1))
    assert full.eliminated == {"ladder_full": 2}


def test_puts_secured_by_cash_stop_where_free_cash_does():
    result = run(index_row(), state=account(cash=Decimal(61_999)))
    assert "61,999 of cash is free" in result.opportunities[0].why_not


def test_naked_puts_stop_at_the_margin_they_are_estimated_to_ask_for():
    naked = config(secured=False, max_contracts=100, max_notional=Decimal(20))
    (proposal,) = run(index_row(), state=account(cash=Decimal(0)), config=naked).proposals
    # 2.45 + max(15 % of 660 − 40, 10 % of 620) = 64.45 a share; half of 500,000 holds 38 of them.
    assert proposal.terms.quantity == 38
    assert "the margin is estimated at 244,910 USD" in " ".join(proposal.rationale)


def test_the_margin_estimate_follows_the_exchanges_formula():
    result = run(index_row(strike=650.0))
    metrics = result.opportunities[0].metrics
    margin = index_put_margin(metrics, result.opportunities[0].contract)
    assert margin == (Decimal("2.45") + Decimal("0.15") * 660 - 10) * 100


def test_notional_is_bounded_by_a_multiple_of_the_accounts_worth():
    result = run(index_row(), config=config(max_notional=Decimal("0.12")))
    assert "60,000 is left of the most allowed" in result.opportunities[0].why_not


@pytest.mark.parametrize(
    ("bid", "ask", "rule"), [(1.1, 1.2, "take_profit"), (7.1, 7.3, "loss_stop")]
)
def test_what_is_held_is_bought_in_at_its_target_or_its_stop(bid: float, ask: float, rule: str):
    held = held_put()
    (proposal,) = run(row_of(held, bid, ask), state=account(held)).proposals
    assert proposal.terms.action is RecommendationAction.CLOSE
    assert proposal.rule_trace[0].rule == rule


@pytest.mark.parametrize("price", [619.0, 660.0])
def test_tested_or_out_of_time_it_is_rolled_down_and_out(price: float):
    held = held_put(7)
    target = index_row(con_id=7200, strike=610.0, expiry=days(40), bid=2.9, ask=3.0, delta=-0.2)
    result = run(
        row_of(held, 2.6, 2.7),
        target,
        state=account(held),
        chain_changes={"underlying_price": price},
    )
    (proposal,) = [
        each for each in result.proposals if each.terms.action is RecommendationAction.ROLL
    ]
    assert proposal.terms.limit_price == dec("-0.30")
    expected = "tested" if price < 620 else "time_exit"
    assert expected in {rule.rule for rule in proposal.rule_trace}


def test_options_that_deliver_shares_are_refused():
    market = Market({"SPY": chain(row())}, vix=18.0)
    state = account()
    result = Theta().generate_signals(
        state,
        compute_risk_state(state),
        context(config=config(universe=("SPY",)), market=market),
    )
    assert result.signals[0].kind is SignalKind.DATA_UNUSABLE
    assert "deliver shares" in result.signals[0].summary


def test_a_class_settled_in_the_morning_warns_of_the_gap_overnight():
    morning = contract(symbol="SPX", trading_class="SPX")
    evening = contract(symbol="SPX", trading_class="SPXW")
    assert "a gap overnight is not traded" in settlement_words(morning)
    assert "at the close of 18 Dec 2026" in settlement_words(evening)


def test_every_field_of_the_form_has_a_description():
    for name, field in Theta.Config.model_json_schema()["properties"].items():
        assert field.get("description"), name
