"""How a control answers: whether it passes at once, in which words when somebody reads them.

A click is told by forty-three answers, a backtest looks at a million and reads those that refuse:
what an answer says may be given as a function, which is called when it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from domain.errors import ErrorCode
from domain.instruments import plain
from domain.recommendations import RuleResult

MISSING = "missing"
REDUCES_RISK = "none: reduces risk"
NO_LIMIT = "no limit"

Words = object
"""A value as ``written`` writes it, or a function that gives one."""


class Answer(NamedTuple):
    """What one control says of one order."""

    rule: str
    value: Words
    threshold: Words
    passed: bool
    code: ErrorCode | None

    def told(self) -> RuleResult:
        return RuleResult(
            rule=self.rule,
            value=written(self.value),
            threshold=written(self.threshold),
            passed=self.passed,
            code=None if self.passed else self.code,
        )


judged = Answer
"""What a control that binds says, field by field; told apart here from what it leaves open."""


def exempt(rule: str, value: Words) -> Answer:
    """A limit that does not bind a close proven to reduce risk."""
    return Answer(rule, value, REDUCES_RISK, True, None)


def unlimited(rule: str, value: Words) -> Answer:
    """A limit that nobody has set."""
    return Answer(rule, value, NO_LIMIT, True, None)


def written(words: Words) -> str:
    if callable(words):
        words = words()
    if words is None:
        return MISSING
    return plain(words) if isinstance(words, Decimal) else str(words)


def at_most(limit: object) -> Callable[[], str]:
    return lambda: f"≤ {written(limit)}"


def at_least(limit: object) -> Callable[[], str]:
    return lambda: f"≥ {written(limit)}"


def at_most_seconds(limit: int) -> Callable[[], str]:
    return lambda: f"≤ {limit} s"
