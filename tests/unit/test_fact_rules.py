"""Rules on what is known beyond the chain: a verdict where it is, a reason where it is not."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from domain.instruments import Right
from domain.portfolio import AccountState
from domain.risk.state import compute_risk_state
from domain.strategies.base import StrategyResult
from domain.strategies.wheel import Wheel
from domain.strategies.wheel_config import WheelConfig
from domain.underlyings import ComingDividend, UnderlyingFacts
from tests.unit.selling import days, expiring, seen
from tests.unit.trade_factories import (
    EXPIRY,
    NOW,
    TODAY,
    Market,
    account,
    chain,
    context,
    row,
    stock_position,
)

FAR = date(2027, 6, 30)


def facts(**changes: Any) -> UnderlyingFacts:
    """A year of closes at 650 and volatilities from 10 % to 20 %, all of it known."""
    fields: dict[str, Any] = {
        "symbol": "SPY",
        "as_of": NOW,
        "sessions": days(-1) - np.arange(251, -1, -1),
        "close": np.full(252, 650.0),
        "iv": np.linspace(0.10, 0.20, 252),
        "earnings_known_to": FAR,
        "dividends_known_to": FAR,
    }
    return UnderlyingFacts(**fields | changes)


def run(
    known: UnderlyingFacts | None,
    *rows: dict[str, Any],
    state: AccountState | None = None,
    **config: Any,
) -> StrategyResult:
    market = Market(
        {"SPY": chain(*rows or (row(),))}, facts={} if known is None else {"SPY": known}
    )
    state = state or account()
    return Wheel().generate_signals(
        state,
        compute_risk_state(state),
        context(market=market, config=WheelConfig(universe=("SPY",), **config)),
    )


NOT_KNOWN: list[tuple[dict[str, Any], str]] = [
    ({"trend_sessions": 50}, "trend_known"),
    ({"min_iv_rank": 0.3}, "iv_rank_known"),
    ({"avoid_earnings": True}, "earnings_known"),
]


@pytest.mark.parametrize(("config", "rule"), NOT_KNOWN)
def test_a_rule_that_is_on_and_lacks_its_fact_fails_under_its_own_name(
    config: dict[str, Any], rule: str
):
    result = run(None, **config)
    assert result.proposals == ()
    assert result.eliminated == {rule: 1}


def test_rules_that_are_off_need_no_facts():
    assert len(run(None).proposals) == 1


@pytest.mark.parametrize(("config", "rule"), NOT_KNOWN[:2])
def test_facts_that_have_grown_old_are_not_known(config: dict[str, Any], rule: str):
    old = facts(sessions=days(-8) - np.arange(251, -1, -1))
    assert run(old, **config).eliminated == {rule: 1}


@pytest.mark.parametrize(("close", "passes"), [(656.2, True), (656.3, False)])
def test_puts_are_sold_only_at_or_above_the_average(close: float, passes: bool):
    result = run(facts(close=np.full(252, close)), trend_sessions=50)
    assert result.eliminated == ({} if passes else {"trend": 1})


@pytest.mark.parametrize(("now", "passes"), [(0.13, True), (0.129, False)])
def test_volatility_must_lie_high_enough_in_its_year(now: float, passes: bool):
    iv = np.linspace(0.10, 0.20, 252)
    iv[-2:] = 0.20, now
    result = run(facts(iv=iv), min_iv_rank=0.2999)
    assert result.eliminated == ({} if passes else {"iv_rank": 1})
    if passes:
        assert result.opportunities[0].metrics.iv_rank == pytest.approx(0.3)
        assert "volatility rank 30%" in " ".join(result.proposals[0].rationale)


def test_volatility_of_too_few_sessions_has_no_rank():
    iv = np.full(252, np.nan)
    iv[-62:] = 0.2
    assert run(facts(iv=iv), min_iv_rank=0.0).eliminated == {"iv_rank_known": 1}


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ({"next_earnings": EXPIRY}, "earnings"),
        ({"next_earnings": TODAY}, "earnings"),
        ({"next_earnings": EXPIRY + timedelta(days=1)}, None),
        ({"next_earnings": TODAY - timedelta(days=1)}, None),
        ({"earnings_known_to": EXPIRY}, None),
        ({"earnings_known_to": EXPIRY - timedelta(days=1)}, "earnings_known"),
        ({"earnings_known_to": None}, "earnings_known"),
        ({"next_earnings": EXPIRY, "earnings_known_to": None}, "earnings"),
    ],
)
def test_no_term_holds_an_earnings_date_or_may_hold_one(known: dict[str, Any], rule: str | None):
    result = run(facts(**known), avoid_earnings=True)
    assert result.eliminated == ({} if rule is None else {rule: 1})


@pytest.mark.parametrize(
    ("known", "rule"),
    [
        ({}, None),
        ({"dividends": (ComingDividend(ex_date=EXPIRY, amount=Decimal(1)),)}, "ex_dividend"),
        ({"dividends_known_to": None}, "ex_dividend_known"),
    ],
)
def test_no_call_is_sold_over_an_ex_dividend_day(known: dict[str, Any], rule: str | None):
    call = expiring(28, right=Right.CALL, strike=Decimal(680), con_id=3001)
    result = run(
        facts(**known),
        seen(call, 4.1, 4.2),
        state=account(stock_position(100)),
        avoid_ex_dividend=True,
    )
    assert result.eliminated == ({} if rule is None else {rule: 1})


def test_ex_dividend_days_do_not_concern_puts():
    paying = facts(dividends=(ComingDividend(ex_date=EXPIRY, amount=Decimal(1)),))
    assert len(run(paying, avoid_ex_dividend=True).proposals) == 1


def test_every_fact_that_was_asked_for_is_in_the_trace():
    result = run(facts(), trend_sessions=50, min_iv_rank=0.3, avoid_earnings=True)
    trace = {rule.rule: rule.value for rule in result.proposals[0].rule_trace}
    assert trace["trend"] == "656.20"
    assert trace["iv_rank"] == "100%"
    assert trace["earnings"] == "none announced"
