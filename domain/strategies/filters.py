"""Rules on what is known of an underlying beyond its chain: trend, volatility, coming dates.

A rule that is switched on needs its fact: where that is not known, the contract fails under a
rule of its own (``…_known``), so that a gap in the data reads differently from a verdict.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from pydantic import Field

from domain.instruments import Frozen
from domain.market import IntArray, OptionChain
from domain.recommendations import RuleResult
from domain.strategies.screening import Screen
from domain.underlyings import UnderlyingFacts

# Facts whose last session is older than this, over the longest of holidays, are not known.
MAX_FACTS_AGE_DAYS = 7
EPOCH = date(1970, 1, 1)


class FactRules(Frozen):
    """Which facts are asked for; as it stands, none."""

    trend_sessions: int = Field(default=0, ge=0, description="price above this average; 0 is off")
    min_iv_rank: float | None = None
    avoid_earnings: bool = False
    avoid_ex_dividend: bool = False


@dataclass(frozen=True, slots=True)
class KnownFacts:
    """The facts of one underlying that its rules and its figures need, as of one day."""

    iv_rank: float | None = None
    average_close: float | None = None
    next_earnings: date | None = None
    earnings_known_to: date | None = None
    ex_dates: tuple[date, ...] = ()
    dividends_known_to: date | None = None

    @classmethod
    def of(cls, facts: UnderlyingFacts | None, rules: FactRules, today: date) -> KnownFacts:
        if facts is None:
            return cls()
        age = (today - EPOCH).days - int(facts.sessions[-1]) if len(facts.sessions) else None
        is_recent = age is not None and age <= MAX_FACTS_AGE_DAYS
        sessions = rules.trend_sessions
        return cls(
            iv_rank=facts.iv_rank(float(facts.iv[-1])) if is_recent else None,
            average_close=facts.average_close(sessions) if is_recent and sessions else None,
            next_earnings=facts.next_earnings,
            earnings_known_to=facts.earnings_known_to,
            ex_dates=tuple(each.ex_date for each in facts.dividends),
            dividends_known_to=facts.dividends_known_to,
        )


def screen_facts(
    screen: Screen,
    chain: OptionChain,
    dte: IntArray,
    known: KnownFacts,
    rules: FactRules,
    today: date,
) -> None:
    """Remove what the rules forbid. Dates count from ``today`` to expiry, both inclusive."""
    if rules.trend_sessions:
        average = known.average_close
        screen.require("trend_known", average is not None)
        screen.require("trend", average is None or chain.underlying_price >= average)
    if rules.min_iv_rank is not None:
        screen.require("iv_rank_known", known.iv_rank is not None)
        screen.require("iv_rank", known.iv_rank is None or known.iv_rank >= rules.min_iv_rank)
    if rules.avoid_earnings:
        announced = () if known.next_earnings is None else (known.next_earnings,)
        _require_none_before_expiry(
            screen, dte, "earnings", announced, known.earnings_known_to, today
        )
    if rules.avoid_ex_dividend:
        _require_none_before_expiry(
            screen, dte, "ex_dividend", known.ex_dates, known.dividends_known_to, today
        )


def _require_none_before_expiry(
    screen: Screen,
    dte: IntArray,
    rule: str,
    days: Sequence[date],
    known_to: date | None,
    today: date,
) -> None:
    """A date that is announced is a verdict, whatever lies beyond what is known."""
    coming = [(day - today).days for day in days if day >= today]
    first = min(coming, default=None)
    screen.require(rule, True if first is None else dte < first)
    horizon = -1 if known_to is None else (known_to - today).days
    screen.require(f"{rule}_known", dte <= horizon)


def fact_results(
    known: KnownFacts, rules: FactRules, price: float, expiry: date
) -> tuple[RuleResult, ...]:
    """The rules as the approver reads them, for a contract that has passed them."""
    results: list[RuleResult] = []

    def passed(rule: str, value: str, threshold: str) -> None:
        results.append(RuleResult(rule=rule, value=value, threshold=threshold, passed=True))

    if rules.trend_sessions:
        average = known.average_close or np.nan
        passed("trend", f"{price:.2f}", f"≥ {average:.2f}, {rules.trend_sessions}-session average")
    if rules.min_iv_rank is not None:
        passed("iv_rank", f"{known.iv_rank or 0.0:.0%}", f"≥ {rules.min_iv_rank:.0%}")
    if rules.avoid_earnings:
        later = known.next_earnings
        passed("earnings", "none announced" if later is None else str(later), f"after {expiry}")
    if rules.avoid_ex_dividend:
        after = [day for day in known.ex_dates if day > expiry]
        passed("ex_dividend", str(min(after)) if after else "none known", f"after {expiry}")
    return tuple(results)
