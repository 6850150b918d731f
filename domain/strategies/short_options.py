"""Short options, whoever sells them: the rules over the chain, and the figures they are judged by.

Puts and calls go through one screen. What differs is what they tie up: a put its strike in cash,
a covered call the shares it is written on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, OptionContract, Right, Side, plain
from domain.market import FloatArray, IntArray, OptionChain, decimal_of
from domain.recommendations import RecommendationAction, RuleResult
from domain.strategies.base import Opportunity, OpportunityMetrics
from domain.strategies.filters import FactRules, KnownFacts, fact_results, screen_facts
from domain.strategies.screening import (
    DAYS_PER_YEAR,
    Screen,
    ShortColumns,
    probability_out_of_the_money,
    screen_identity,
    screen_quotes,
    screen_soundness,
)
from domain.strategies.wings import (
    NO_WING,
    WingRules,
    find_wings,
    wing_metrics,
    wing_rule,
    with_wings,
)
from domain.underlyings import UnderlyingFacts


class ShortRules(Frozen):
    """The rules an option must pass to be sold, all inclusive. Deltas are absolute."""

    right: Right = Right.PUT
    min_delta: float
    max_delta: float
    min_dte: int = Field(ge=1)
    max_dte: int
    min_ror_annualised: float
    max_spread_fraction: float
    min_open_interest: int
    min_bid: Decimal
    max_mid: Decimal | None = Field(default=None, description="per share")
    wing: WingRules | None = Field(default=None, description="the long put bought with it")
    facts: FactRules = FactRules()


@dataclass(frozen=True, slots=True)
class ShareCost:
    """What the shares under a call have cost, per share, and the least strike that leaves."""

    basis: Decimal
    min_strike: Decimal
    """Nothing is sold below it; zero where selling below cost is allowed."""


@dataclass(frozen=True)
class Candidate:
    """An option that passed every rule. ``row`` is its place in the chain it was found in.

    Its figures and its rules are written out when they are asked for: most never are.
    """

    chain: OptionChain
    columns: ShortColumns
    row: int
    score: float
    pop: float
    rules_of: Callable[[Candidate], tuple[RuleResult, ...]]
    cost: ShareCost | None = None
    iv_rank: float | None = None
    wing: int | None = None
    """The row of the put bought with it."""

    @cached_property
    def contract(self) -> OptionContract:
        return self.chain.contract(self.row)

    @cached_property
    def metrics(self) -> OpportunityMetrics:
        alone = short_metrics(self.chain, self.columns, self.row, self.pop, self.cost, self.iv_rank)
        return alone if self.wing is None else wing_metrics(alone, self.chain, self.row, self.wing)

    @cached_property
    def rules(self) -> tuple[RuleResult, ...]:
        return self.rules_of(self)

    def opportunity(
        self, rank: int, why_not: str, action: RecommendationAction = RecommendationAction.OPEN
    ) -> Opportunity:
        return Opportunity(
            contract=self.contract,
            side=Side.BUY if action is RecommendationAction.CLOSE else Side.SELL,
            action=action,
            rank=rank,
            score=self.score,
            metrics=self.metrics,
            rules=self.rules,
            recommended=not why_not,
            why_not=why_not,
        )

    def credit_for(self, ror_annualised: float) -> Decimal:
        """The credit per share that yields ``ror_annualised`` on the collateral over the term."""
        per_share = float(self.metrics.collateral / self.contract.multiplier)
        return decimal_of(per_share * ror_annualised * self.metrics.dte / DAYS_PER_YEAR)

    def confidence(self, max_spread_fraction: float, min_ror_annualised: float) -> float:
        """The mean of three margins, each 0..1: see the strategy's description."""
        margins = (
            self.metrics.pop or 0.0,
            1 - self.metrics.spread_fraction / max_spread_fraction,
            1 - min_ror_annualised / self.metrics.ror_annualised,
        )
        return sum(min(max(margin, 0.0), 1.0) for margin in margins) / len(margins)


@dataclass(frozen=True, slots=True)
class Sifted:
    """The part of a chain in its term, after its rules: what is left, and what judged it."""

    chain: OptionChain
    screen: Screen
    columns: ShortColumns
    known: KnownFacts
    rules: ShortRules
    cost: ShareCost | None = None
    wing: IntArray | None = None
    """By row the row of the put bought with it; None where none is wanted."""
    looked_at: int = 0
    """Contracts of the whole chain."""

    def best(self, keep: int) -> tuple[list[Ranked], IntArray]:
        """The ``keep`` best of what is left, best first, and the ids of the others.

        The score is the annualised return at the bid times the chance to expire worthless; equal
        scores are ordered by contract id so that a run can be repeated exactly.
        """
        rows = self.screen.rows
        chain, columns = self.chain, self.columns
        pop = probability_out_of_the_money(chain, rows, columns.dte)
        scores = columns.ror_annualised[rows] * (columns.bid[rows] / columns.mid[rows]) * pop
        order = np.lexsort((chain.con_id[rows], -scores))
        first, con_ids = order[:keep], chain.con_id[rows]
        best = (scores[first], con_ids[first], rows[first], pop[first])
        found = [
            Ranked(score, con_id, row, chance, self)
            for score, con_id, row, chance in zip(*(each.tolist() for each in best), strict=True)
        ]
        return found, con_ids[order[keep:]]

    def candidate(self, row: int, score: float, pop: float) -> Candidate:
        return Candidate(
            self.chain,
            self.columns,
            row,
            score,
            pop,
            self._rules_passed,
            self.cost,
            self.known.iv_rank,
            None if self.wing is None else int(self.wing[row]),
        )

    def _rules_passed(self, candidate: Candidate) -> tuple[RuleResult, ...]:
        contract, metrics = candidate.contract, candidate.metrics
        winged: tuple[RuleResult, ...] = ()
        if self.wing is not None and self.rules.wing is not None:
            winged = (wing_rule(metrics, contract.strike, self.rules.wing),)
        return (
            *_rule_results(metrics, self.rules),
            *winged,
            *_cost_results(contract, self.cost),
            *fact_results(
                self.known, self.rules.facts, self.chain.underlying_price, contract.expiry
            ),
        )


class Ranked(NamedTuple):
    """An option that passed, before its figures are written out: most never need to be."""

    score: float
    con_id: int
    row: int
    pop: float
    sifted: Sifted

    def candidate(self) -> Candidate:
        return self.sifted.candidate(self.row, self.score, self.pop)


def sift_short_options(
    chain: OptionChain,
    today: date,
    rules: ShortRules,
    *,
    fresh: bool,
    facts: UnderlyingFacts | None = None,
    cost: ShareCost | None = None,
) -> Sifted:
    """The options of ``chain`` that pass every rule: term, data faults, bands, facts.

    ``fresh`` says whether the chain is young enough to be traded on at all. The term comes first
    because it leaves a tenth of a chain: the rest of the rules look at that part alone.
    """
    screen = Screen.of(chain)
    is_call = rules.right is Right.CALL
    dte = chain.dte(today)
    screen.require("is_call" if is_call else "is_put", chain.is_call == is_call)
    screen.require("quote_fresh", fresh)
    screen_identity(screen, chain, dte)
    screen.require("dte", (dte >= rules.min_dte) & (dte <= rules.max_dte))
    part = chain.part(screen.rows)
    screen = screen.on_part(part)
    columns = ShortColumns(part, today)
    screen_quotes(screen, part)
    screen_soundness(screen, part)
    wing = None
    if rules.wing is not None:
        wing = find_wings(part, screen.alive, rules.wing)
        columns = with_wings(part, columns, wing)
    _screen_bands(screen, part, columns, rules, wing, cost)
    known = KnownFacts.of(facts, rules.facts, today)
    screen_facts(screen, part, columns.dte, known, rules.facts, today)
    return Sifted(part, screen, columns, known, rules, cost, wing, looked_at=len(chain))


def _screen_bands(
    screen: Screen,
    chain: OptionChain,
    columns: ShortColumns,
    rules: ShortRules,
    wing: IntArray | None,
    cost: ShareCost | None,
) -> None:
    spot, strike = chain.underlying_price, chain.strike
    is_call = rules.right is Right.CALL
    screen.require("out_of_the_money", strike > spot if is_call else strike < spot)
    delta = np.abs(chain.delta)
    screen.require("delta", (delta >= rules.min_delta) & (delta <= rules.max_delta))
    if wing is not None:
        screen.require("wing", wing != NO_WING)
    screen.require("bid", columns.bid >= float(rules.min_bid))
    if rules.max_mid is not None:
        screen.require("premium", columns.mid <= float(rules.max_mid))
    screen.require("spread", columns.spread_fraction <= rules.max_spread_fraction)
    if rules.min_open_interest:
        screen.require("open_interest", chain.open_interest >= rules.min_open_interest)
    screen.require("ror_annualised", columns.ror_annualised >= rules.min_ror_annualised)
    if cost is not None:
        screen.require("cost_basis", strike >= float(cost.min_strike))


def short_metrics(
    chain: OptionChain,
    columns: ShortColumns,
    row: int,
    pop: float,
    cost: ShareCost | None = None,
    iv_rank: float | None = None,
) -> OpportunityMetrics:
    """The figures of the option in ``row``, whose quote must have two sides."""
    bid, ask = decimal_of(chain.bid[row]), decimal_of(chain.ask[row])
    mid = (bid + ask) / 2
    spot, multiplier = decimal_of(chain.underlying_price), decimal_of(chain.multiplier[row])
    if chain.is_call[row]:
        base = spot if cost is None else cost.basis
    else:
        base = decimal_of(chain.strike[row])
    breakeven = base - mid
    return OpportunityMetrics.of_checked(
        bid=bid,
        ask=ask,
        mid=mid,
        underlying_price=spot,
        dte=int(columns.dte[row]),
        delta=_known(chain.delta, row),
        iv=_known(chain.iv, row),
        ror=float(columns.ror[row]),
        ror_annualised=float(columns.ror[row]) * DAYS_PER_YEAR / max(int(columns.dte[row]), 1),
        pop=pop if np.isfinite(pop) else None,
        breakeven=breakeven,
        max_loss=breakeven * multiplier,
        wing_strike=None,
        collateral=(spot if chain.is_call[row] else base) * multiplier,
        spread_fraction=float(columns.spread_fraction[row]),
        open_interest=_count(chain.open_interest, row),
        volume=_count(chain.volume, row),
        iv_rank=iv_rank,
    )


def _known(column: FloatArray, row: int) -> float | None:
    value = float(column[row])
    return value if np.isfinite(value) else None


def _count(column: FloatArray, row: int) -> int | None:
    value = _known(column, row)
    return int(value) if value is not None and value >= 0 else None


def _rule_results(metrics: OpportunityMetrics, rules: ShortRules) -> tuple[RuleResult, ...]:
    """The rules as the approver reads them; a candidate has passed them all."""
    interest = metrics.open_interest
    below = "below" if rules.right is Right.PUT else "above"
    scale = "mid" if rules.wing is None else "the short put's mid"
    read = [
        ("dte", str(metrics.dte), f"{rules.min_dte} … {rules.max_dte} days"),
        ("out_of_the_money", plain(metrics.underlying_price), f"strike {below} the underlying"),
        (
            "delta",
            f"{abs(metrics.delta or 0.0):.3f}",
            f"{rules.min_delta:.2f} … {rules.max_delta:.2f}",
        ),
        ("bid", plain(metrics.bid), f"≥ {plain(rules.min_bid)}"),
        (
            "spread",
            f"{metrics.spread_fraction:.1%}",
            f"≤ {rules.max_spread_fraction:.1%} of {scale}",
        ),
        (
            "open_interest",
            "not known" if interest is None else str(interest),
            f"≥ {rules.min_open_interest}",
        ),
        (
            "ror_annualised",
            f"{metrics.ror_annualised:.2%}",
            f"≥ {rules.min_ror_annualised:.2%} a year",
        ),
    ]
    if rules.max_mid is not None:
        read.insert(4, ("premium", plain(metrics.mid), f"≤ {plain(rules.max_mid)}"))
    return tuple(
        RuleResult(rule=rule, value=value, threshold=threshold, passed=True)
        for rule, value, threshold in read
    )


def _cost_results(contract: OptionContract, cost: ShareCost | None) -> tuple[RuleResult, ...]:
    if cost is None:
        return ()
    wanted = f"≥ {plain(cost.min_strike)}" if cost.min_strike else "any: below cost is allowed"
    value = f"strike {plain(contract.strike)}, cost {plain(cost.basis)}"
    return (RuleResult(rule="cost_basis", value=value, threshold=wanted, passed=True),)
