"""Short puts, whoever sells them: the rules over the chain, the figures, the plain words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import numpy as np
from pydantic import Field

from domain.instruments import Frozen, OptionContract, Side, plain, price_text
from domain.market import FloatArray, IntArray, OptionChain, decimal_of
from domain.recommendations import RecommendationAction, RuleResult, Terms
from domain.strategies.base import Opportunity, OpportunityMetrics
from domain.strategies.screening import (
    DAYS_PER_YEAR,
    Screen,
    ShortPutColumns,
    screen_chain_data,
    short_put_columns,
)


class PutBands(Frozen):
    """The rules a put must pass, all inclusive. Deltas are absolute."""

    min_delta: float
    max_delta: float
    min_dte: int = Field(ge=1)
    max_dte: int
    min_ror_annualised: float
    max_spread_fraction: float
    min_open_interest: int
    min_bid: Decimal


@dataclass(frozen=True, slots=True)
class Candidate:
    """A put that passed every rule. ``row`` is its place in the chain it was found in."""

    row: int
    contract: OptionContract
    score: float
    metrics: OpportunityMetrics
    rules: tuple[RuleResult, ...]

    def opportunity(self, rank: int, why_not: str) -> Opportunity:
        return Opportunity(
            contract=self.contract,
            side=Side.SELL,
            action=RecommendationAction.OPEN,
            rank=rank,
            score=self.score,
            metrics=self.metrics,
            rules=self.rules,
            recommended=not why_not,
            why_not=why_not,
        )

    def credit_for(self, ror_annualised: float) -> Decimal:
        """The credit per share that yields ``ror_annualised`` on the strike over the term."""
        return decimal_of(
            float(self.contract.strike) * ror_annualised * self.metrics.dte / DAYS_PER_YEAR
        )

    def confidence(self, max_spread_fraction: float, min_ror_annualised: float) -> float:
        """The mean of three margins, each 0..1: see the strategy's description."""
        margins = (
            self.metrics.pop or 0.0,
            1 - self.metrics.spread_fraction / max_spread_fraction,
            1 - min_ror_annualised / self.metrics.ror_annualised,
        )
        return sum(min(max(margin, 0.0), 1.0) for margin in margins) / len(margins)


def screen_short_puts(
    chain: OptionChain, today: date, bands: PutBands, fresh: bool
) -> tuple[Screen, ShortPutColumns]:
    """The puts of ``chain`` that pass every rule, data faults first, then the bands.

    ``fresh`` says whether the chain is young enough to be traded on at all.
    """
    screen = Screen.of(chain)
    columns = short_put_columns(chain, today)
    screen.require("is_put", ~chain.is_call)
    screen.require("quote_fresh", fresh)
    screen_chain_data(screen, chain, today)
    screen.require("dte", (columns.dte >= bands.min_dte) & (columns.dte <= bands.max_dte))
    screen.require("out_of_the_money", chain.strike < chain.underlying_price)
    delta = np.abs(chain.delta)
    screen.require("delta", (delta >= bands.min_delta) & (delta <= bands.max_delta))
    screen.require("bid", chain.bid >= float(bands.min_bid))
    screen.require("spread", columns.spread_fraction <= bands.max_spread_fraction)
    known_enough = chain.open_interest >= bands.min_open_interest
    screen.require("open_interest", known_enough | (bands.min_open_interest == 0))
    screen.require("ror_annualised", columns.ror_annualised >= bands.min_ror_annualised)
    return screen, columns


def candidates(
    chain: OptionChain, columns: ShortPutColumns, rows: IntArray, bands: PutBands, keep: int
) -> tuple[list[Candidate], IntArray]:
    """The ``keep`` best of the contracts in ``rows``, best first, and the ids of the others.

    The score is the annualised return at the bid times the chance to expire out of the money;
    equal scores are ordered by contract id so that a run can be repeated exactly.
    """
    scores = columns.ror_annualised[rows] * (chain.bid[rows] / columns.mid[rows])
    scores = scores * columns.pop[rows]
    order = np.lexsort((chain.con_id[rows], -scores))
    best = [_candidate(chain, columns, int(rows[i]), float(scores[i]), bands) for i in order[:keep]]
    return best, chain.con_id[rows[order[keep:]]]


def _candidate(
    chain: OptionChain, columns: ShortPutColumns, row: int, score: float, bands: PutBands
) -> Candidate:
    contract = chain.contract(row)
    bid, ask = decimal_of(chain.bid[row]), decimal_of(chain.ask[row])
    mid = (bid + ask) / 2
    breakeven = contract.strike - mid
    metrics = OpportunityMetrics(
        bid=bid,
        ask=ask,
        mid=mid,
        underlying_price=decimal_of(chain.underlying_price),
        dte=int(columns.dte[row]),
        delta=float(chain.delta[row]),
        iv=_known(chain.iv, row),
        ror=float(columns.ror[row]),
        ror_annualised=float(columns.ror_annualised[row]),
        pop=_known(columns.pop, row),
        breakeven=breakeven,
        max_loss=breakeven * contract.multiplier,
        collateral=contract.strike * contract.multiplier,
        spread_fraction=float(columns.spread_fraction[row]),
        open_interest=_count(chain.open_interest, row),
        volume=_count(chain.volume, row),
    )
    return Candidate(row, contract, score, metrics, _rules(metrics, bands))


def _known(column: FloatArray, row: int) -> float | None:
    value = float(column[row])
    return value if np.isfinite(value) else None


def _count(column: FloatArray, row: int) -> int | None:
    value = _known(column, row)
    return int(value) if value is not None and value >= 0 else None


def _rules(metrics: OpportunityMetrics, bands: PutBands) -> tuple[RuleResult, ...]:
    """The rules as the approver reads them; a candidate has passed them all."""
    interest = metrics.open_interest
    read = (
        ("dte", str(metrics.dte), f"{bands.min_dte} … {bands.max_dte} days"),
        ("out_of_the_money", plain(metrics.underlying_price), "strike below the underlying"),
        (
            "delta",
            f"{abs(metrics.delta or 0.0):.3f}",
            f"{bands.min_delta:.2f} … {bands.max_delta:.2f}",
        ),
        ("bid", plain(metrics.bid), f"≥ {plain(bands.min_bid)}"),
        ("spread", f"{metrics.spread_fraction:.1%}", f"≤ {bands.max_spread_fraction:.1%} of mid"),
        (
            "open_interest",
            "not known" if interest is None else str(interest),
            f"≥ {bands.min_open_interest}",
        ),
        (
            "ror_annualised",
            f"{metrics.ror_annualised:.2%}",
            f"≥ {bands.min_ror_annualised:.2%} a year",
        ),
    )
    return tuple(
        RuleResult(rule=rule, value=value, threshold=threshold, passed=True)
        for rule, value, threshold in read
    )


def put_rationale(terms: Terms, metrics: OpportunityMetrics, cash_left: Decimal) -> tuple[str, ...]:
    """Why this put, in sentences a person can check against their own screen."""
    contract, currency = terms.contract, terms.contract.currency
    shares = contract.multiplier * terms.quantity
    needed = metrics.collateral * terms.quantity
    credit = terms.limit_price * shares
    cushion = 1 - metrics.breakeven / metrics.underlying_price
    volatility = "" if metrics.iv is None else f", implied volatility {metrics.iv:.0%}"
    chance = "" if metrics.pop is None else f", about {metrics.pop:.0%} likely to expire worthless"
    interest = "" if metrics.open_interest is None else f"; open interest {metrics.open_interest:,}"
    return (
        f"{terms.describe()}, never below {price_text(terms.floor_price)}.",
        f"{metrics.dte} days to expiry, delta {_signed(metrics.delta)}{chance}{volatility}.",
        f"A credit of {credit:,.0f} {currency} is {metrics.ror:.2%} of the cash it ties up, "
        f"{metrics.ror_annualised:.1%} a year.",
        f"Break-even {price_text(metrics.breakeven)}, {cushion:.1%} below {contract.symbol} at "
        f"{price_text(metrics.underlying_price)}.",
        f"Cash needed if assigned: {needed:,.0f} {currency} for {plain(shares)} shares; "
        f"{cash_left:,.0f} of cash then stays free.",
        f"Bid {price_text(metrics.bid)}, ask {price_text(metrics.ask)}, a spread of "
        f"{metrics.spread_fraction:.1%} of mid{interest}.",
    )


def _signed(delta: float | None) -> str:
    return "unknown" if delta is None else f"{delta:.2f}".replace("-", "−")
