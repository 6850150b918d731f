"""Whatever a chain holds, a strategy never raises and never offers what fails a rule."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.instruments import Right
from domain.portfolio import PositionState
from domain.recommendations import RecommendationAction
from domain.risk.state import compute_risk_state
from domain.strategies.base import BaseStrategy, StrategyConfig, StrategyResult
from domain.strategies.theta import Theta
from domain.strategies.theta_config import ThetaConfig
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from tests.unit.selling import days, index_chain, short
from tests.unit.trade_factories import (
    NOW,
    Market,
    account,
    chain,
    context,
    contract,
    stock_position,
)

NASTY = [float("nan"), float("inf"), -1.0, 0.0]
price = st.one_of(st.floats(0.01, 60.0).map(lambda each: round(each, 2)), st.sampled_from(NASTY))
rows = st.fixed_dictionaries(
    {
        "trading_class": st.sampled_from(["SPY", "SPY", "SPY", "SPY1", ""]),
        "multiplier": st.sampled_from([100.0, 100.0, 10.0, float("nan"), 0.0]),
        "con_id": st.integers(0, 400),
        "expiry": st.integers(-3, 70).map(days),
        "strike": st.one_of(st.integers(560, 740).map(float), st.sampled_from(NASTY)),
        "is_call": st.booleans(),
        "bid": price,
        "ask": price,
        "iv": st.one_of(st.floats(0.05, 1.0), st.sampled_from(NASTY)),
        "delta": st.one_of(st.floats(-0.5, 0.5), st.sampled_from(NASTY)),
        "volume": st.sampled_from([0.0, 10.0, float("nan")]),
        "open_interest": st.sampled_from([0.0, 99.0, 100.0, 5000.0, float("nan")]),
    }
)


def holdings(symbol: str) -> list[PositionState]:
    """A put and a call held short under ids that chains may hold, and the shares for the call."""
    expiry = (NOW + timedelta(days=6)).date()
    put = contract(symbol=symbol, trading_class=symbol, con_id=7, expiry=expiry)
    call = put.model_copy(update={"right": Right.CALL, "con_id": 8, "strike": Decimal(650)})
    return [short(put), short(call), stock_position(300, symbol)]


def check(result: StrategyResult, config: WheelConfig | ThetaConfig) -> None:
    for proposal in result.proposals:
        terms = proposal.terms
        assert (
            terms.reference_bid < terms.reference_ask or terms.reference_bid == terms.reference_ask
        )
        assert all(rule.passed for rule in proposal.rule_trace)
        if terms.action is not RecommendationAction.OPEN:
            continue
        found = result.opportunities[proposal.opportunity_rank - 1]
        metrics = found.metrics
        assert 0 < metrics.bid <= metrics.ask
        assert config.min_delta <= abs(metrics.delta or 0) <= config.max_delta
        assert config.min_dte <= metrics.dte <= config.max_dte
        assert (metrics.open_interest or 0) >= config.min_open_interest
        assert metrics.spread_fraction <= config.max_spread_fraction
        assert metrics.bid >= config.min_bid
        assert np.isfinite(found.score)
        if terms.contract.right is Right.CALL:
            assert terms.contract.strike >= Decimal(600), "what the shares have cost"
    answered = [each for group in result.eliminated_con_ids.values() for each in group]
    assert sum(result.eliminated.values()) == len(answered)


def run(
    strategy: type[BaseStrategy],
    config: StrategyConfig,
    shown: Market,
    *,
    holding: bool,
    symbol: str,
) -> StrategyResult:
    state = account(*(holdings(symbol) if holding else ()))
    return strategy().generate_signals(
        state, compute_risk_state(state), context(config=config, market=shown)
    )


@settings(max_examples=150)
@given(st.lists(rows, max_size=25), st.booleans(), st.floats(600, 700))
def test_the_wheel_survives_any_chain_and_offers_nothing_that_fails(
    listed: list[dict[str, Any]], holding: bool, spot: float
):
    config = WheelConfig(universe=("SPY",), min_dte=5)
    shown = Market({"SPY": chain(*listed, underlying_price=spot)})
    check(run(Wheel, config, shown, holding=holding, symbol="SPY"), config)


@settings(max_examples=150)
@given(st.lists(rows, max_size=25), st.booleans(), st.floats(600, 700))
def test_theta_survives_any_chain_and_offers_nothing_that_fails(
    listed: list[dict[str, Any]], holding: bool, spot: float
):
    config = ThetaConfig(universe=("XSP",), min_dte=5, max_delta=0.4)
    shown = Market({"XSP": index_chain(*listed, underlying_price=spot)}, vix=18.0)
    check(run(Theta, config, shown, holding=holding, symbol="XSP"), config)
