"""What a backtest leaves out for speed's sake changes nothing of what it comes to."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.backtest import desk, runner
from domain.backtest.digest import canonical
from domain.backtest.runner import run_backtest
from domain.instruments import Frozen
from domain.portfolio import AccountState
from domain.recommendations import RuleResult
from domain.risk.limits import Limits, TradingState
from domain.risk.margin_regt import regt_margin, regt_requirement
from domain.risk.pretrade import (
    first_denial,
    first_preview_refusal,
    first_refusal,
    run_controls,
)
from domain.risk.pretrade_inputs import PretradeInputs
from domain.strategies.base import StrategyContext
from domain.strategies.wheel import Wheel
from tests.unit.backtest_market import CALENDAR
from tests.unit.test_backtest_run import market, turning
from tests.unit.test_margin_regt import call, put, stock
from tests.unit.test_pretrade import NOW, buy_to_close, inputs

Made = list[tuple[AccountState, StrategyContext]]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Made:
    """What the strategy of a run has been given, slice by slice."""
    seen: Made = []
    generate: Callable[..., Any] = Wheel.generate_signals

    def remember(self: Wheel, account: AccountState, risk: Any, context: StrategyContext) -> Any:
        seen.append((account, context))
        return generate(self, account, risk, context)

    monkeypatch.setattr(Wheel, "generate_signals", remember)
    return seen


def test_a_run_comes_to_the_same_whether_its_strategy_explains_itself_or_not(
    monkeypatch: pytest.MonkeyPatch,
):
    silent = run_backtest(turning(), market(1), CALENDAR)

    def explaining(**fields: Any) -> StrategyContext:
        return StrategyContext(**fields | {"explains": True})

    monkeypatch.setattr(runner, "StrategyContext", explaining)
    assert len(silent.fills) >= 4
    assert canonical(run_backtest(turning(), market(1), CALENDAR)) == canonical(silent)


def test_records_made_without_a_check_have_every_field_and_would_pass_it(shown: Made):
    run_backtest(turning(), market(1), CALENDAR)
    account, context = next(pair for pair in reversed(shown) if pair[0].positions)
    market_seen = context.market
    records: list[Frozen] = [
        account,
        account.values,
        *account.positions,
        *account.underlyings.values(),
        *market_seen.chains.values(),
        *(market_seen.facts[symbol] for symbol in market_seen.chains),
    ]
    for each in records:
        kind = type(each)
        assert vars(each).keys() == kind.model_fields.keys(), kind.__name__
        kind.model_validate(vars(each))


def test_what_the_controls_of_a_backtest_look_at_would_pass_every_check(
    monkeypatch: pytest.MonkeyPatch,
):
    asked: list[PretradeInputs] = []

    def remember(given: PretradeInputs) -> RuleResult | None:
        asked.append(given)
        return first_preview_refusal(given)

    monkeypatch.setattr(desk, "first_preview_refusal", remember)
    run_backtest(turning(), market(1), CALENDAR)
    actions = {given.trade.terms.action.value for given in asked}
    assert actions == {"OPEN", "CLOSE", "ROLL"}
    for given in asked:
        assert given.quote is not None
        parts = [given.trade, given.quote, given.record, given.risk, given.what_if]
        for each in [given, *parts, *(given.listed or ())]:
            assert each is not None
            kind = type(each)
            told = {name: vars(each)[name] for name in kind.model_fields}
            kind.model_validate(told)


CASES = {
    "in order": {},
    "halted": {"trading_state": TradingState.HALTED},
    "closed": {"session_open": False},
    "no quote": {"quote": None},
    "no account": {"account": None, "risk": None},
    "old figures": {"market_now": NOW + timedelta(hours=1)},
    "other terms": {"approved_hash": "sha256:other"},
    "too much": {"quantity": 3},
    "too large": {"limits": Limits(max_notional=Decimal(1))},
    "no preview": {"what_if": None},
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("made", [inputs, buy_to_close])
def test_the_first_refusal_is_the_first_of_all_answers(case: str, made: Callable[..., Any]):
    given = made(**CASES[case])
    assert first_refusal(given) == first_denial(run_controls(given))


def test_a_copy_of_what_controls_look_at_is_worked_out_afresh():
    given = inputs()
    before = given.notional
    assert given.model_copy(update={"quantity": 1}).notional == before / 2
    assert given.notional == before


@pytest.mark.parametrize(
    "legs",
    [
        [],
        [put(-1, 90, 1.5)],
        [put(-1, 90, 1.5), put(-3, 80, 0.7)],
        [put(-1, 90, 1.5), put(-3, 80, float("nan"))],
        [put(-1, 90, 1.5), call(-2, 110, 1.5)],
        [put(-2, 90, 1.5), put(2, 80, 1.5)],
        [stock(100), call(-1, 110, 1.5)],
        [stock(100), put(-1, 90, 1.5), put(1, 80, 1.5), call(-1, 110, 1.5)],
    ],
)
def test_margin_without_its_parts_is_the_sum_of_them(legs: list[Any]):
    told = regt_margin(legs)
    assert regt_requirement(legs) == (told.initial, told.maintenance)
    assert told.maintenance == sum(part.maintenance for part in told.strategies)
