"""Every control has words: a label, a sentence with value and limit, and its line in the docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.presenters.recommendations import control_answer
from domain.errors import GUIDANCE, ErrorCode
from domain.recommendations import RuleResult, approval_freshness
from domain.risk.control_words import CONTROLS, Figure, label_of, sentence_of
from domain.risk.limits import Limits
from domain.risk.pretrade import run_controls
from tests.unit.test_pretrade import DENIALS, buy_to_close, inputs
from tests.unit.test_pretrade_limits import CASES
from tests.unit.trade_factories import CLOSE, dec, terms

DOCS = Path(__file__).parents[2] / "docs" / "controls.md"


def result(rule: str, value: str, threshold: str, *, passed: bool = False) -> RuleResult:
    code = None if passed else CONTROLS[rule].codes[0]
    return RuleResult(rule=rule, value=value, threshold=threshold, passed=passed, code=code)


def test_every_control_has_words_in_the_order_in_which_they_answer():
    answers = [approval_freshness(terms(), CLOSE), *run_controls(inputs())]
    assert [each.rule for each in answers] == list(CONTROLS)
    labels = [words.label for words in CONTROLS.values()]
    assert len(set(labels)) == len(labels)


def refusals() -> list[RuleResult]:
    """All that the tests of the controls have them refuse, and what they say of nothing known."""
    changes: list[dict[str, Any]] = [given for _, given, _, _ in DENIALS]
    changes += [failing for _, _, failing, _ in CASES]
    unknown: dict[str, Any] = dict.fromkeys(
        ("quote", "account", "risk", "listed", "record", "what_if", "session_open"),
    )
    changes.append(unknown | {"approved_hash": None, "gateway_kind": None, "strategy": None})
    answers = [each for given in changes for each in run_controls(inputs(**given))]
    return [each for each in answers if not each.passed]


def test_a_control_refuses_with_codes_of_its_own_that_have_advice():
    found = refusals()
    assert len({each.rule for each in found}) > 35
    for each in found:
        assert each.code in CONTROLS[each.rule].codes, each
        assert GUIDANCE[ErrorCode(each.code)].advice


@pytest.mark.parametrize(
    "given", [inputs(), buy_to_close(), inputs(limits=Limits(max_contracts=1))]
)
def test_every_answer_reads_as_a_sentence_without_signs_or_codes(given: Any):
    for each in (*run_controls(given), *refusals()):
        sentence = sentence_of(each)
        assert sentence.startswith(f"{label_of(each.rule)}: ")
        for sign in ("≤", "≥", "_", "…", "sha256", "missing"):
            assert sign not in sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (("position_after", "12", "≤ 10"), "Contracts after the trade: 12, limit 10"),
        (
            ("max_notional", "264000", "≤ 250000.5"),
            "Notional of the order: 264,000, limit 250,000.50",
        ),
        (("pm_usage_after", "0.5312", "≤ 0.5"), "Margin usage after the trade: 53.12%, limit 50%"),
        (
            ("covered", "128000", "≤ 500 in cash"),
            "Needed to cover it: 128,000, limit 500 in cash",
        ),
        (
            ("underlying_drift", "+6.21% at 690.2", "±5.00% of 655.1"),
            "Move of the underlying since the offer: +6.21% at 690.20, limit ±5.00% of 655.10",
        ),
        (("mid_within_floor", "3.9", "≥ 4.0"), "Middle of the market: 3.90, at least 4.00"),
        (
            ("price_collar", "9.9", "3.6900 … 8.3000"),
            "Limit price against the market: 9.90, limits 3.69 and 8.30",
        ),
        (("restricted_symbol", "SPY", "none of SPY"), "Underlying: SPY, needed: none of SPY"),
        (
            ("buying_power", "missing", "≥ 0 left"),
            "Available funds after the trade: not known, and what is not known is refused; "
            "at least 0 left",
        ),
        (
            ("buying_power", "YOUR ORDER IS NOT ACCEPTED", "≥ 0 left"),
            "Available funds after the trade: YOUR ORDER IS NOT ACCEPTED, at least 0 left",
        ),
        (("terms_hash", "sha256:1", "sha256:2"), "Approved terms: not those that were on screen"),
    ],
)
def test_a_refusal_says_what_was_found_and_what_is_allowed(
    given: tuple[str, str, str], sentence: str
):
    assert sentence_of(result(*given)) == sentence


def test_rounding_hides_no_refusal():
    assert sentence_of(result("pm_usage_now", "0.500001", "≤ 0.5")) == (
        "Margin usage now: 0.500001, limit 0.5"
    )


def test_what_does_not_bind_says_so():
    (told,) = [r for r in run_controls(buy_to_close()) if r.rule == "max_contracts"]
    assert sentence_of(told) == (
        "Contracts in the order: 2, not limited because the trade reduces risk"
    )
    free = run_controls(inputs(limits=Limits(max_daily_notional=None)))
    (told,) = [each for each in free if each.rule == "notional_today"]
    assert sentence_of(told) == "Notional opened today: 128,000, no limit"


def test_the_card_gets_what_was_recorded_and_its_words():
    answer = control_answer(result("max_contracts", "12", "≤ 10"))
    assert (answer.label, answer.figure) == ("Contracts in the order", Figure.PLAIN)
    assert (answer.value, answer.threshold) == ("12", "≤ 10")
    assert answer.sentence == "Contracts in the order: 12, limit 10"
    assert answer.code is ErrorCode.QUANTITY_LIMIT


def test_an_answer_of_earlier_code_still_has_words():
    old = RuleResult(rule="no_such_rule", value="1", threshold="≤ 2", passed=True)
    assert sentence_of(old) == "No such rule: 1, limit 2"


def documented() -> list[str]:
    return [
        f"| `{rule}` | {words.label} | {words.refuses} | "
        + ", ".join(f"`{code}`" for code in words.codes)
        + " |"
        for rule, words in CONTROLS.items()
    ]


def test_the_documents_list_every_control_in_the_same_words():
    listed = [line for line in DOCS.read_text("utf-8").splitlines() if line.startswith("| `")]
    wanted = documented()
    assert listed == wanted, "the table of docs/controls.md should be\n" + "\n".join(wanted)


def test_numbers_of_every_size_keep_their_value():
    for amount in ("0", "-3", "0.5", "1234567.89", "1000000"):
        written = sentence_of(result("max_loss", amount, "≤ 1", passed=True)).split(": ")[1]
        assert dec(written.split(", limit")[0].replace(",", "")) == dec(amount)
