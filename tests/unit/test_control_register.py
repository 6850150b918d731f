"""The register of pre-trade controls: none without code, limit, value, test, place and document.

A new control fails here until a test of its own has had it refuse with each of its codes.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from api.presenters.recommendations import control_answer
from domain.errors import GUIDANCE, ErrorCode
from domain.market import Quote
from domain.recommendations import RuleResult, approval_freshness
from domain.risk import pretrade
from domain.risk.control_words import CONTROLS
from domain.risk.limits import Limits
from domain.risk.pretrade import run_controls
from domain.risk.pretrade_inputs import DayRecord, PretradeInputs
from tests.unit import test_pretrade as first
from tests.unit import test_pretrade_limits as limits
from tests.unit.test_pretrade import buy_to_close, inputs
from tests.unit.trade_factories import (
    EXPIRY,
    NOW,
    account,
    day_record,
    dec,
    quote,
    terms,
    trade,
)

DOCS = Path(__file__).parents[2] / "docs" / "controls.md"
APPROVAL = "approval_fresh"
"""The one control that looks at the terms alone, before anything else is read."""


def late(minutes: int) -> RuleResult:
    return approval_freshness(terms(), terms().deadline + timedelta(minutes=minutes))


def tried() -> list[PretradeInputs]:
    """All that the tests of single controls have them refuse."""
    changes: list[dict[str, Any]] = [given for _, given, _, _ in first.DENIALS]
    changes += [given for _, given, _ in first.MISSING]
    changes += [failing for _, _, failing, _ in limits.CASES]
    changes += [given for _, given, _ in limits.MISSING]
    naked_call = inputs(trade=trade(terms(contract=limits.CALL)))
    return [*(inputs(**each) for each in changes), naked_call, buy_to_close(account=account())]


@pytest.fixture(scope="module")
def answers() -> list[RuleResult]:
    """Everything said in all of that, and where nothing is amiss."""
    given = [*tried(), inputs(), buy_to_close()]
    return [late(0), late(3), *(answer for each in given for answer in run_controls(each))]


def test_every_function_that_controls_is_in_the_register():
    controls = pretrade.BEFORE_PREVIEW_CONTROLS + pretrade.PREVIEW_CONTROLS
    said = [control(inputs()).told().rule for control in controls]
    assert [APPROVAL, *said] == list(CONTROLS)
    assert len(set(controls)) == len(controls)


@pytest.mark.parametrize("rule", CONTROLS)
def test_a_control_has_code_limit_value_test_and_place(rule: str, answers: list[RuleResult]):
    words, told = CONTROLS[rule], [answer for answer in answers if answer.rule == rule]
    refused = [answer for answer in told if not answer.passed]

    assert {answer.code for answer in refused} == set(words.codes), "a test for each code"
    assert any(answer.passed for answer in told), "and one that passes"
    for code in words.codes:
        assert GUIDANCE[ErrorCode(code)].advice
    for answer in told:
        assert answer.value.strip(), answer
        assert answer.threshold.strip(), answer

    on_card = control_answer(refused[0])
    assert (on_card.rule, on_card.label, on_card.passed) == (rule, words.label, False)
    assert on_card.code == refused[0].code
    assert on_card.sentence.startswith(f"{words.label}: ")
    assert f"\n| `{rule}` | {words.label} | " in DOCS.read_text("utf-8")


# --- what is not known ---------------------------------------------------------------------

EVERYTHING_LIMITED = Limits(
    max_orders_per_day=100,
    max_daily_notional=dec(10_000_000),
    max_daily_loss=dec("0.5"),
    max_position_contracts=dec(100),
    max_name_fraction=dec(1),
    max_delta_fraction=dec(9),
    max_vega_fraction=dec(9),
    permitted_strategies=frozenset({"wheel"}),
)
KNOWN = quote(delta=-0.3, iv=0.2)


def all_known(**changes: Any) -> PretradeInputs:
    """A trade in order under every limit there is, on the last day of its contract."""
    fields: dict[str, Any] = {
        "limits": EVERYTHING_LIMITED,
        "quote": KNOWN,
        "held_greeks": {},
        "today": EXPIRY,
        "session_close": NOW + timedelta(hours=3),
    }
    return inputs(**fields | changes)


def optional_fields(model: type[BaseModel]) -> list[str]:
    return [
        name
        for name, field in model.model_fields.items()
        if type(None) in get_args(field.annotation)
    ]


def refusals_of(given: PretradeInputs) -> list[str]:
    return [answer.rule for answer in run_controls(given) if not answer.passed]


def test_no_limit_is_left_out_above():
    unset = [name for name, value in EVERYTHING_LIMITED if value is None]
    assert unset == []
    assert refusals_of(all_known()) == []


@pytest.mark.parametrize("field", optional_fields(PretradeInputs))
def test_whatever_is_not_known_of_a_trade_denies_it(field: str):
    assert refusals_of(all_known(**{field: None})) != []


QUOTE_NEEDS = ("bid", "ask", "underlying_price", "delta", "iv")
QUOTE_MAY_LACK = {"bid_size", "ask_size", "last", "halted", "grade", "forward", "rate"}
"""Sizes and the last price are shown; a halt need not be told; grades are those of chains."""


@pytest.mark.parametrize("field", QUOTE_NEEDS)
def test_whatever_is_not_known_of_its_market_denies_it(field: str):
    assert refusals_of(all_known(quote=KNOWN.model_copy(update={field: None}))) != []


def test_of_a_quote_nothing_else_is_left_open():
    assert set(optional_fields(Quote)) == {*QUOTE_NEEDS, *QUOTE_MAY_LACK}


@pytest.mark.parametrize("field", optional_fields(DayRecord))
def test_whatever_is_not_known_of_the_day_denies_it(field: str):
    assert refusals_of(all_known(record=day_record(**{field: None}))) != []
