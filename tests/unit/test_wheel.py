from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import ExerciseStyle, Settlement
from domain.market import OptionChain, QuoteQuality
from domain.portfolio import AccountState
from domain.risk.state import compute_risk_state
from domain.strategies.base import SignalKind, StrategyConfig, StrategyResult
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from tests.unit.trade_factories import (
    CLOSE,
    GOOD_ROW,
    NOW,
    Market,
    account,
    chain,
    context,
    contract,
    option_position,
    row,
)


def run(*chains: OptionChain, state: AccountState | None = None, **changes: Any) -> StrategyResult:
    state = state or account()
    return Wheel().generate_signals(state, compute_risk_state(state), context(*chains, **changes))


def config(**changes: Any) -> WheelConfig:
    fields: dict[str, Any] = {"universe": ("SPY",)}
    return WheelConfig(**fields | changes)


def cheap_chain(symbol: str, con_id: int, **changes: Any) -> OptionChain:
    """A put struck at 50 on a name at 52: 5,000 of collateral, about 13 % a year."""
    cheap = row(
        trading_class=symbol, con_id=con_id, strike=50.0, bid=0.49, ask=0.51, delta=-0.25, **changes
    )
    return chain(cheap, symbol=symbol, underlying_price=52.0)


def test_a_put_that_passes_every_rule_is_proposed_with_its_reasons():
    result = run(chain(row()))
    (proposal,) = result.proposals
    assert proposal.terms.contract == contract()
    assert (proposal.terms.limit_price, proposal.terms.floor_price) == (
        Decimal("4.15"),
        Decimal("3.95"),
    )
    assert proposal.rationale[0].startswith(
        "Sell 1 SPY 18 Dec 2026 640 put at 4.15 or better, never below 3.95"
    )
    assert any("64,000 USD for 100 shares" in sentence for sentence in proposal.rationale)
    assert all(rule.passed for rule in proposal.rule_trace)
    assert result.no_trade_reason is None
    assert result.signals[0].kind is SignalKind.PUT_CANDIDATES


def test_metrics_agree_with_arithmetic_done_by_hand():
    metrics = run(chain(row())).opportunities[0].metrics
    assert metrics.dte == 28
    assert metrics.ror == pytest.approx(4.15 / 640)
    assert metrics.ror_annualised == pytest.approx(4.15 / 640 * 365 / 28)
    assert metrics.breakeven == Decimal("635.85")
    assert metrics.collateral == 64_000
    assert metrics.max_loss == Decimal("63585")
    assert metrics.spread_fraction == pytest.approx(0.1 / 4.15)
    # d1 = 0.7722 from |delta| 0.22; sigma·√T = 0.16·√(28/365) = 0.04432; N(0.7279) = 0.7667
    assert metrics.pop == pytest.approx(0.7667, abs=1e-4)


def test_without_volatility_the_chance_falls_back_on_delta():
    metrics = run(chain(row(iv=float("nan")))).opportunities[0].metrics
    assert metrics.iv is None
    assert metrics.pop == pytest.approx(0.78)


NAN = float("nan")
DAY_28 = GOOD_ROW["expiry"]
CORRUPT: list[tuple[str, dict[str, Any], str]] = [
    ("no bid", {"bid": NAN}, "quote_present"),
    ("no ask", {"ask": NAN}, "quote_present"),
    ("endless ask", {"ask": float("inf")}, "quote_present"),
    ("zero bid", {"bid": 0.0}, "bid_positive"),
    ("negative bid", {"bid": -1.0}, "bid_positive"),
    ("crossed", {"bid": 4.3}, "not_crossed"),
    ("dearer than the strike", {"bid": 640.0, "ask": 641.0}, "price_possible"),
    ("no strike", {"strike": NAN}, "contract_valid"),
    ("negative strike", {"strike": -640.0}, "contract_valid"),
    ("no multiplier", {"multiplier": NAN}, "contract_valid"),
    ("zero multiplier", {"multiplier": 0.0}, "contract_valid"),
    ("no contract id", {"con_id": 0}, "contract_unique"),
    ("adjusted", {"trading_class": "SPY1"}, "contract_standard"),
    ("nameless class", {"trading_class": ""}, "contract_standard"),
    ("expired", {"expiry": 20_000}, "not_expired"),
    ("no delta", {"delta": NAN}, "delta_known"),
    ("a put with a call's delta", {"delta": 0.22}, "delta_known"),
    ("delta below −1", {"delta": -1.22}, "delta_known"),
    ("a call", {"is_call": True, "delta": 0.22}, "is_put"),
]


@pytest.mark.parametrize(
    ("changes", "rule"), [pytest.param(*rest, id=name) for name, *rest in CORRUPT]
)
def test_a_corrupt_row_is_never_proposed_and_says_why(changes: dict[str, Any], rule: str):
    result = run(chain(row(**changes)))
    assert result.proposals == ()
    assert result.opportunities == ()
    assert result.eliminated == {rule: 1}


def test_a_corrupt_row_does_not_harm_the_good_one_beside_it():
    bad = [row(**{"con_id": 2000 + i} | changes) for i, (_, changes, _) in enumerate(CORRUPT)]
    result = run(chain(*bad, row()))
    assert [proposal.terms.contract.con_id for proposal in result.proposals] == [1001]


def test_rows_that_share_a_contract_id_are_all_refused():
    result = run(chain(row(), row(strike=635.0)))
    assert result.eliminated == {"contract_unique": 2}


SCREENED: list[tuple[str, dict[str, Any], str]] = [
    ("too near", {"expiry": DAY_28 - 4}, "dte"),
    ("too far", {"expiry": DAY_28 + 18}, "dte"),
    ("in the money", {"strike": 657.0}, "out_of_the_money"),
    ("too likely", {"delta": -0.301}, "delta"),
    ("too unlikely", {"delta": -0.149}, "delta"),
    ("too small", {"bid": 0.09, "ask": 0.10}, "bid"),
    ("too wide", {"bid": 3.9, "ask": 4.4}, "spread"),
    ("too thin", {"open_interest": 99.0}, "open_interest"),
    ("unknown interest", {"open_interest": NAN}, "open_interest"),
    ("too poor", {"bid": 3.9, "ask": 3.95}, "ror_annualised"),
]


@pytest.mark.parametrize(
    ("changes", "rule"), [pytest.param(*rest, id=name) for name, *rest in SCREENED]
)
def test_each_rule_of_the_config_removes_its_own_fault(changes: dict[str, Any], rule: str):
    assert run(chain(row(**changes))).eliminated == {rule: 1}


def test_a_row_exactly_at_every_bound_passes():
    edge = config(
        min_delta=0.22,
        max_delta=0.22,
        min_dte=28,
        max_dte=28,
        min_bid=Decimal("4.1"),
        min_open_interest=1500,
    )
    assert len(run(chain(row()), config=edge).proposals) == 1


def test_unknown_open_interest_passes_only_when_none_is_asked_for():
    result = run(chain(row(open_interest=NAN)), config=config(min_open_interest=0))
    assert result.opportunities[0].metrics.open_interest is None
    assert len(result.proposals) == 1


@pytest.mark.parametrize(
    "quality", [QuoteQuality.DELAYED, QuoteQuality.FROZEN, QuoteQuality.MISSING]
)
def test_a_chain_that_is_not_live_gives_no_trade(quality: QuoteQuality):
    result = run(chain(row(), quality=quality))
    assert result.eliminated == {"quote_live": 1}
    assert result.signals[0].kind is SignalKind.NO_TRADE
    assert "quote_live" in (result.no_trade_reason or "")


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_chain_far_from_market_time_is_not_traded_on(minutes: int):
    result = run(chain(row(), as_of=NOW + timedelta(minutes=minutes)))
    assert result.eliminated == {"quote_fresh": 1}


def test_every_contract_is_an_opportunity_or_has_a_reason():
    rng = np.random.default_rng(7)
    rows = [
        row(
            con_id=1 + i,
            strike=float(560 + i),
            delta=-float(rng.uniform(0.1, 0.4)),
            bid=float(rng.uniform(4, 6)),
            ask=float(rng.uniform(5.8, 6.4)),
            open_interest=float(rng.integers(0, 400)),
        )
        for i in range(120)
    ]
    result = run(chain(*rows), config=config(max_candidates=3))
    reasons = [con_id for group in result.eliminated_con_ids.values() for con_id in group]
    offered = [opportunity.contract.con_id for opportunity in result.opportunities]
    assert sorted(reasons + offered) == list(range(1, 121))
    assert result.eliminated == {
        rule: len(con_ids) for rule, con_ids in result.eliminated_con_ids.items()
    }
    assert 0 < len(offered) <= 3


def test_an_empty_universe_says_so():
    result = run(config=config(universe=()))
    assert result.no_trade_reason == "The universe is empty."


def test_a_symbol_without_a_chain_is_reported_and_the_others_go_on():
    result = run(chain(row()), config=config(universe=("IWM", "SPY")))
    assert [signal.kind for signal in result.signals] == [
        SignalKind.DATA_UNUSABLE,
        SignalKind.PUT_CANDIDATES,
    ]
    assert len(result.proposals) == 1


def test_an_empty_chain_gives_no_trade():
    assert run(chain()).signals[0].kind is SignalKind.NO_TRADE


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"settlement": Settlement.CASH}, "settle in cash"),
        ({"currency": "EUR"}, "trades in EUR"),
        ({"underlying_price": float("inf")}, "no price"),
    ],
)
def test_a_chain_the_wheel_cannot_use_is_refused_whole(changes: dict[str, Any], word: str):
    result = run(chain(row(), **changes))
    assert result.eliminated == {"chain_usable": 1}
    assert word in result.signals[0].summary


def test_a_chain_filed_under_another_symbol_is_refused():
    result = run(config=config(), market=Market({"SPY": chain(row(), symbol="QQQ")}))
    assert result.proposals == ()
    assert "QQQ" in result.signals[0].summary


def test_a_name_with_a_short_put_is_skipped():
    held = option_position(-1, contract(con_id=5, strike=Decimal(600)))
    result = run(chain(row()), state=account(held))
    assert result.signals[-1].kind is SignalKind.SKIPPED
    assert result.eliminated == {"name_free": 1}


def test_a_name_with_a_trade_under_way_is_skipped():
    result = run(chain(row()), working_symbols=frozenset({"SPY"}))
    assert result.signals[0].kind is SignalKind.SKIPPED
    assert result.proposals == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"net_liquidation": Decimal(0)}, "no positive net liquidation value"),
        ({"equity_with_loan": Decimal(0)}, "Margin usage is not known"),
        ({"maint_margin": Decimal(250_001)}, "is above"),
    ],
)
def test_an_account_in_no_state_to_trade_still_shows_what_there_was(
    changes: dict[str, Any], reason: str
):
    result = run(chain(row()), state=account(**changes))
    assert result.proposals == ()
    assert reason in (result.no_trade_reason or "")
    assert reason in result.opportunities[0].why_not


def test_figures_of_another_account_propose_nothing():
    result = run(chain(row()), account_code="DU9")
    assert "DU9" in (result.no_trade_reason or "")


def test_nothing_is_proposed_once_the_session_is_over():
    result = run(chain(row()), session_close=NOW)
    assert result.no_trade_reason == "The session is over."


def test_the_deadline_is_the_time_to_decide_but_never_past_the_close():
    early = run(chain(row())).proposals[0].terms
    late = run(chain(row()), session_close=NOW + timedelta(minutes=4)).proposals[0].terms
    assert early.deadline == NOW + timedelta(minutes=30) < CLOSE
    assert late.deadline == NOW + timedelta(minutes=4)


def test_the_floor_keeps_the_lowest_return():
    result = run(chain(row()), config=config(price_concession=Decimal("0.5")))
    floor = float(result.proposals[0].terms.floor_price)
    assert floor / 640 * 365 / 28 >= 0.08
    assert floor < 4.1


def test_a_successor_is_made_from_a_fresh_chain_of_one_row():
    before = run(chain(row(), row(con_id=1002, delta=-0.5))).proposals[0].terms
    moved = chain(row(bid=4.3, ask=4.4), as_of=NOW + timedelta(minutes=3))
    (successor,) = run(moved).proposals
    assert successor.terms.contract == before.contract
    assert successor.terms.limit_price == Decimal("4.35")
    assert successor.terms.hash != before.hash


def test_the_same_world_gives_the_same_result():
    twins = chain(row(con_id=1), row(con_id=2), row(con_id=3))
    reversed_twins = chain(row(con_id=3), row(con_id=2), row(con_id=1))
    first, second = run(twins), run(reversed_twins)
    assert first.proposals == second.proposals
    assert first.opportunities == second.opportunities


def test_a_config_of_another_strategy_is_refused():
    with pytest.raises(GreenlightError) as caught:
        run(chain(row()), config=StrategyConfig(universe=("SPY",)))
    assert caught.value.code is ErrorCode.CONFIG_INVALID


def test_the_chain_window_covers_the_term_band_and_puts_only():
    window = Wheel.chain_window(config(min_dte=10, max_dte=20))
    assert (window.min_dte, window.max_dte, window.puts, window.calls) == (10, 20, True, False)


def test_a_result_survives_json():
    result = run(chain(row(), row(con_id=1002, delta=-0.5)))
    assert StrategyResult.model_validate_json(result.model_dump_json()) == result


def test_the_score_is_the_return_at_the_bid_times_the_chance_of_keeping_it():
    best = run(chain(row())).opportunities[0]
    at_the_bid = 4.1 / 640 * 365 / 28
    assert best.score == pytest.approx(at_the_bid * (best.metrics.pop or 0))


def test_confidence_is_the_mean_of_its_three_margins():
    (proposal,) = run(chain(row())).proposals
    chance, spread, extra = 0.7667, 1 - (0.1 / 4.15) / 0.10, 1 - 0.08 / (4.15 / 640 * 365 / 28)
    assert proposal.confidence == pytest.approx((chance + spread + extra) / 3, abs=1e-4)


def test_the_rationale_speaks_of_the_whole_trade():
    (proposal,) = run(cheap_chain("AA", 1)).proposals
    words = " ".join(proposal.rationale)
    assert proposal.terms.quantity == 5
    assert "A credit of 250 USD" in words
    assert "25,000 USD for 500 shares; 475,000 of cash then stays free" in words
    assert "Break-even 49.50, 4.8% below AA at 52.00" in words


def test_a_put_at_the_money_is_not_out_of_it():
    assert run(chain(row(strike=656.2))).eliminated == {"out_of_the_money": 1}


def test_an_american_put_offered_below_its_exercise_value_is_a_fault():
    stale = row(strike=680.0, bid=20.0, ask=21.0, delta=-0.8)
    assert run(chain(stale)).eliminated == {"price_possible": 1}
    european = chain(stale, style=ExerciseStyle.EUROPEAN)
    assert run(european).eliminated == {"out_of_the_money": 1}


def test_a_locked_market_is_not_crossed():
    assert len(run(chain(row(bid=4.15, ask=4.15))).proposals) == 1
