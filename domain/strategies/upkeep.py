"""Looking after the short options held on one underlying: from verdicts to offers.

Shared by all strategies that sell options. Every position gets an answer: an offer to close or
to roll it, or a signal that says why it is kept or cannot be judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from pydantic import JsonValue

from domain.errors import GreenlightError
from domain.instruments import Side
from domain.market import OptionChain
from domain.package_offers import PackageIdea, PackagePolicy, build_package_terms
from domain.proposals import (
    OfferPolicy,
    TradeIdea,
    build_proposal,
    build_terms,
    unexplained_proposal,
)
from domain.recommendations import RecommendationAction, RuleResult, Terms
from domain.rolls import roll_of, roll_rationale
from domain.strategies.base import Proposal, Signal, SignalKind, StrategyConfig, StrategyContext
from domain.strategies.holdings import HeldShort, find_held
from domain.strategies.managing import Action, ManagePolicy, Trigger, Verdict, judge
from domain.strategies.roll_targets import wing_of_target
from domain.strategies.screening import ShortColumns, probability_out_of_the_money
from domain.strategies.short_options import Candidate
from domain.strategies.wings import HeldUnit
from domain.strategies.words import close_rationale

# How little is left to judgement once the rule has been reached; no probability.
_CONFIDENCE = {Trigger.PROFIT: 0.9, Trigger.STOP: 0.7, Trigger.TESTED: 0.6, Trigger.TIME: 0.7}


@dataclass(slots=True)
class Offer:
    """Something to do about a position, before it has its place in the ranking."""

    candidate: Candidate
    action: RecommendationAction
    terms: Terms
    rationale: tuple[str, ...]
    confidence: float
    explains: bool = True

    @property
    def con_id(self) -> int:
        """Of the option bought in, or sold by a roll."""
        return self.terms.contract.con_id

    def proposal(self, rank: int) -> Proposal:
        if not self.explains:
            return unexplained_proposal(rank, self.terms, self.candidate.rules)
        opportunity = self.candidate.opportunity(rank, "", self.action)
        return build_proposal(opportunity, self.terms, self.rationale, self.confidence)


@dataclass(slots=True)
class Upkeep:
    """What there is to say and to do about the positions of one underlying."""

    signals: list[Signal] = field(default_factory=list[Signal])
    offers: list[Offer] = field(default_factory=list[Offer])


def look_after(
    units: Sequence[HeldUnit],
    chain: OptionChain,
    policy: ManagePolicy,
    concession: Decimal,
    instance: StrategyContext,
    *,
    fresh: bool,
) -> Upkeep:
    """An answer for each of ``units``, which are short options of the chain's underlying, or
    spreads of them."""
    upkeep = Upkeep()
    if not units:
        return upkeep
    columns = ShortColumns(chain, instance.market.today)
    # A cycle bounds what rolls may give back, and nothing else here.
    cycle = None if policy.roll is None else instance.cycles.get(chain.symbol)
    for held in find_held(chain, units, instance.market.today, fresh=fresh):
        if isinstance(held, str):
            upkeep.signals.append(_signal(chain, SignalKind.DATA_UNUSABLE, held))
            continue
        verdict = judge(held, policy, chain, columns, cycle)
        kind, failed = SignalKind.HOLD_POSITION, ""
        if verdict.action is not Action.HOLD:
            try:
                offer = _offer(held, verdict, chain, columns, policy, concession, instance)
            except GreenlightError as error:
                failed = f" It cannot be offered: {error.detail}."
            else:
                upkeep.offers.append(offer)
                closes = verdict.action is Action.CLOSE
                kind = SignalKind.CLOSE_POSITION if closes else SignalKind.ROLL_POSITION
        if instance.explains:
            said = f"{held.option.describe()}: {verdict.reason}{failed}"
            upkeep.signals.append(_signal(chain, kind, said, held, verdict))
    return upkeep


def _offer(
    held: HeldShort,
    verdict: Verdict,
    chain: OptionChain,
    columns: ShortColumns,
    policy: ManagePolicy,
    concession: Decimal,
    instance: StrategyContext,
) -> Offer:
    confidence = _CONFIDENCE[verdict.trigger]
    if verdict.action is Action.CLOSE:
        terms = _close_terms(held, verdict, chain, concession, instance)
        wing = None if held.wing is None else held.wing.row
        score = float(held.captured)
        if not instance.explains:
            candidate = _unexplained(chain, columns, held.row, wing, score, verdict)
            return Offer(candidate, RecommendationAction.CLOSE, terms, (), confidence, False)
        candidate = _candidate(chain, columns, held.row, wing, score, verdict.rules)
        rationale = close_rationale(terms, held, verdict)
        return Offer(candidate, RecommendationAction.CLOSE, terms, rationale, confidence)
    assert verdict.target is not None
    assert policy.roll is not None
    wing = wing_of_target(chain, columns, held, policy.roll, verdict.target)
    idea = _roll(held, verdict.target, wing, chain, instance)
    bounds = _bounds(concession, instance, verdict.least_credit)
    terms = build_package_terms(idea, bounds, instance.market.as_of, instance.session_close)
    if not instance.explains:
        score = float(-terms.limit_price)
        candidate = _unexplained(chain, columns, verdict.target, wing, score, verdict)
        return Offer(candidate, RecommendationAction.ROLL, terms, (), confidence, False)
    credit = RuleResult(
        rule="roll_credit",
        value=f"{-terms.limit_price:.2f}",
        threshold=f"≥ {verdict.least_credit:.2f} net per share",
        passed=True,
    )
    candidate = _candidate(
        chain, columns, verdict.target, wing, float(-terms.limit_price), (*verdict.rules, credit)
    )
    rationale = (verdict.reason, *roll_rationale(idea, terms))
    return Offer(candidate, RecommendationAction.ROLL, terms, rationale, confidence)


def _roll(
    held: HeldShort, target: int, wing: int | None, chain: OptionChain, instance: StrategyContext
) -> PackageIdea:
    if wing is None and held.wing is None:
        return roll_of(chain, held.position, target, instance.account_code)
    rows = [*held.closing_rows, (target, Side.SELL)]
    if wing is not None:
        rows.append((wing, Side.BUY))
    return PackageIdea.from_rows(
        chain, rows, RecommendationAction.ROLL, instance.account_code, held.contracts
    )


def _bounds(
    concession: Decimal, instance: StrategyContext, least_credit: Decimal | None
) -> PackagePolicy:
    return PackagePolicy(
        concession=concession,
        max_drift=instance.config.max_drift,
        decision_minutes=instance.config.decision_minutes,
        least_credit=least_credit,
    )


def _close_terms(
    held: HeldShort,
    verdict: Verdict,
    chain: OptionChain,
    concession: Decimal,
    instance: StrategyContext,
) -> Terms:
    config: StrategyConfig = instance.config
    if len(held.closing_rows) > 1:
        idea = PackageIdea.from_rows(
            chain,
            held.closing_rows,
            RecommendationAction.CLOSE,
            instance.account_code,
            held.contracts,
        )
        least = None if verdict.max_price is None else -verdict.max_price
        bounds = _bounds(concession, instance, least)
        return build_package_terms(idea, bounds, instance.market.as_of, instance.session_close)
    policy = OfferPolicy(
        concession=concession,
        max_drift=config.max_drift,
        decision_minutes=config.decision_minutes,
        worst_price=verdict.max_price,
    )
    idea = TradeIdea.from_chain(
        chain,
        held.row,
        instance.account_code,
        Side.BUY,
        RecommendationAction.CLOSE,
        held.contracts,
    )
    return build_terms(idea, policy, instance.market.as_of, instance.session_close)


def _candidate(
    chain: OptionChain,
    columns: ShortColumns,
    row: int,
    wing: int | None,
    score: float,
    rules: tuple[RuleResult, ...],
) -> Candidate:
    rows = np.asarray([row], dtype=np.int64)
    pop = float(probability_out_of_the_money(chain, rows, columns.dte)[0])
    reasons = tuple(rule for rule in rules if rule.passed)
    return Candidate(chain, columns, row, score, pop, lambda _: reasons, wing=wing)


def _unexplained(
    chain: OptionChain,
    columns: ShortColumns,
    row: int,
    wing: int | None,
    score: float,
    verdict: Verdict,
) -> Candidate:
    """One whose figures nobody reads: what moves the position is told by name alone."""
    return Candidate(chain, columns, row, score, np.nan, lambda _: verdict.movers, wing=wing)


def _signal(
    chain: OptionChain,
    kind: SignalKind,
    said: str,
    held: HeldShort | None = None,
    verdict: Verdict | None = None,
) -> Signal:
    facts: dict[str, JsonValue] = {"underlying_price": chain.underlying_price}
    if held is not None:
        facts |= {
            "con_id": held.option.con_id,
            "credit": str(held.credit.quantize(Decimal("0.0001"))),
            "mid": str(held.mid),
            "captured": round(float(held.captured), 4),
            "dte": held.dte,
        }
        if held.wing is not None:
            facts["wing_con_id"] = int(chain.con_id[held.wing.row])
    if verdict is not None:
        facts["rules"] = [rule.model_dump(mode="json") for rule in verdict.rules]
        if verdict.targets_removed:
            facts["roll_eliminated"] = {
                rule: len(ids) for rule, ids in verdict.targets_removed.items()
            }
    return Signal(symbol=chain.symbol, kind=kind, summary=said, facts=facts)
