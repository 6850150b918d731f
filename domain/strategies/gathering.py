"""From what each underlying offers to one result: ranked, sized, with a reason for the rest."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import numpy as np
from pydantic import JsonValue

from domain.market import IntArray, OptionChain, QuoteCode
from domain.portfolio import AccountState
from domain.recommendations import RecommendationAction
from domain.risk.state import RiskState
from domain.strategies.base import (
    Opportunity,
    Proposal,
    Signal,
    SignalKind,
    StrategyContext,
    StrategyResult,
)
from domain.strategies.short_options import Candidate, Ranked, Sifted
from domain.strategies.upkeep import Offer

OUTRANKED = "outranked"


@dataclass(slots=True)
class Look:
    """What one underlying had to offer: positions to see to, and options to sell."""

    symbol: str
    chain: OptionChain | None = None
    explains: bool = True
    """Whether signals, and what removed each contract, are wanted."""
    signals: list[Signal] = field(default_factory=list[Signal])
    offers: list[Offer] = field(default_factory=list[Offer])
    found: list[Ranked] = field(default_factory=list[Ranked])
    removed: dict[str, IntArray] = field(default_factory=dict[str, IntArray])

    def say(self, kind: SignalKind, summary: str) -> None:
        if self.explains:
            self.signals.append(Signal(symbol=self.symbol, kind=kind, summary=summary))

    def take(self, sifted: Sifted, keep: int) -> None:
        """Take what is left of a sifted chain, and a signal that says what became of it."""
        self.found, outranked = sifted.best(keep)
        if not self.explains:
            return
        self.removed = dict(sifted.screen.removed)
        if len(outranked):
            self.removed[OUTRANKED] = outranked
        self.signals.append(_sifted_signal(sifted, self.found, self.removed))

    def leave(self, rule: str) -> None:
        """Every contract of the chain is left alone for one reason."""
        if self.explains and self.chain is not None and len(self.chain):
            self.removed = {rule: self.chain.con_id}

    def settle(self) -> None:
        """Give each contract one answer only: what is offered, else found, else its first rule."""
        if not self.offers:
            return
        offered = [each.con_id for each in self.offers]
        self.found = [each for each in self.found if each.con_id not in offered]
        left = {rule: ids[~np.isin(ids, offered)] for rule, ids in self.removed.items()}
        self.removed = {rule: ids for rule, ids in left.items() if len(ids)}


def why_unusable(chain: OptionChain | None, symbol: str, account: AccountState) -> str:
    """Why nothing can be done on a chain, whatever the strategy; empty if it can be used."""
    if chain is None:
        return f"No usable option chain for {symbol}."
    if chain.symbol != symbol:
        return f"The chain filed under {symbol} is that of {chain.symbol}."
    if not np.isfinite(chain.underlying_price):
        return f"{symbol} has no price."
    if chain.currency != account.values.currency:
        return f"{symbol} trades in {chain.currency}, the account is in {account.values.currency}."
    return ""


def is_fresh(chain: OptionChain, max_age_minutes: int, instance: StrategyContext) -> bool:
    """A chain from the future is as suspect as an old one."""
    age = instance.market.as_of - chain.as_of
    return abs(age) <= timedelta(minutes=max_age_minutes)


def why_nothing_at_all(account: AccountState, instance: StrategyContext, risk_account: str) -> str:
    """A reason that rules out every trade of this run, closes included."""
    if not instance.config.universe:
        return "The universe is empty."
    if instance.session_close <= instance.market.as_of:
        return "The session is over."
    if not account.account_code == risk_account == instance.account_code:
        return f"The account figures are not those of {instance.account_code}."
    return ""


def why_margin_forbids(max_usage: Decimal, account: AccountState, risk: RiskState) -> str:
    """A reason in the account's own state that rules out every new sale of this run."""
    if account.values.net_liquidation <= 0:
        return "The account has no positive net liquidation value."
    if risk.pm_usage is None:
        return "Margin usage is not known: equity with loan value is not positive."
    if risk.pm_usage > max_usage:
        return f"Margin usage {risk.pm_usage:.1%} is above {max_usage:.1%}."
    return ""


def free_cash(account: AccountState, instance: StrategyContext) -> Decimal:
    """Cash that no short put, held, under way or on offer elsewhere, may call for."""
    held = account.assignment_cash + account.cash_settled_put_notional
    return account.values.cash - held - instance.committed_cash


class Seller(Protocol):
    """Sells what it is shown, one after the other, as far as the account goes."""

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be sold in this run."""
        ...

    def sell(self, candidate: Candidate, sifted: Sifted, rank: int) -> tuple[Proposal | None, str]:
        """The proposal to sell a candidate, or why it is not sold."""
        ...


def gather(
    looks: Sequence[Look], halted: str, blocked: str, seller: Seller, keep: int, *, explains: bool
) -> StrategyResult:
    """Positions first, then sales by score, each as far as the seller goes.

    ``halted`` is why nothing may be done at all, ``blocked`` why nothing may be opened; both are
    empty where there is no such reason. At least ``keep`` sales are written out with their
    figures, more only while there is more to sell; the others are outranked. Without
    ``explains`` the result is the proposals alone.
    """
    for look in looks:
        look.settle()
    opportunities: list[Opportunity] = []
    proposals: list[Proposal] = []
    ranks: dict[int, int] = {}
    for offer in (offer for look in looks for offer in look.offers):
        # Two positions may be rolled into one contract: it is one opportunity.
        rank = ranks.setdefault(offer.con_id, len(ranks) + 1)
        if explains and rank > len(opportunities):
            opportunities.append(offer.candidate.opportunity(rank, halted, offer.action))
        if not halted:
            proposals.append(offer.proposal(rank))
    ranked = sorted(
        (each for look in looks for each in look.found),
        key=lambda each: (-each.score, each.con_id),
    )
    outranked: list[int] = []
    for place, each in enumerate(ranked):
        if (place >= keep or not explains) and (halted or blocked or seller.is_done):
            outranked = [other.con_id for other in ranked[place:]]
            break
        rank, candidate = len(ranks) + place + 1, each.candidate()
        proposal, why_not = None, halted or blocked
        if not why_not:
            proposal, why_not = seller.sell(candidate, each.sifted, rank)
        if explains:
            opportunities.append(candidate.opportunity(rank, why_not, RecommendationAction.OPEN))
        if proposal is not None:
            proposals.append(proposal)
    if not explains:
        return StrategyResult.unexplained(proposals)
    removed = _merged(looks, outranked)
    # Every part is validated already; to do so again for each of 100,000 ids costs more than a run.
    return StrategyResult.model_construct(
        signals=tuple(signal for look in looks for signal in look.signals),
        opportunities=tuple(opportunities),
        proposals=tuple(proposals),
        eliminated={rule: len(con_ids) for rule, con_ids in removed.items()},
        eliminated_con_ids=removed,
        no_trade_reason=(
            None if proposals else _no_trade_reason(halted or blocked, looks, opportunities)
        ),
    )


def _merged(looks: Sequence[Look], outranked: Sequence[int]) -> dict[str, Sequence[int]]:
    """The contracts of all looks by the rule that removed them."""
    parts: dict[str, list[IntArray]] = {}
    for look in looks:
        for rule, con_ids in look.removed.items():
            parts.setdefault(rule, []).append(con_ids)
    if outranked:
        parts.setdefault(OUTRANKED, []).append(np.asarray(outranked, dtype=np.int64))
    return {rule: _packed(np.concatenate(each)) for rule, each in parts.items()}


def _packed(con_ids: IntArray) -> array[int]:
    packed = array("q")
    packed.frombytes(con_ids.view(np.uint8).data)
    return packed


def _no_trade_reason(
    blocked: str, looks: Sequence[Look], opportunities: Sequence[Opportunity]
) -> str:
    if blocked:
        return blocked
    if opportunities:
        return f"No candidate could be taken: {opportunities[0].why_not}"
    return " ".join(signal.summary for look in looks for signal in look.signals)


def _grades(chain: OptionChain) -> dict[str, JsonValue]:
    """How many of the rows looked at had each quality code, and how many contradict a neighbour."""
    if chain.code is None:
        return {}
    counts = np.bincount(chain.code, minlength=len(QuoteCode)).tolist()
    told: dict[str, JsonValue] = {code.name: counts[code] for code in QuoteCode if counts[code]}
    if chain.arbitrage is not None and chain.arbitrage.any():
        told["ARBITRAGE"] = int(np.count_nonzero(chain.arbitrage))
    return told


def _sifted_signal(
    sifted: Sifted, found: Sequence[Ranked], removed: Mapping[str, IntArray]
) -> Signal:
    chain, right = sifted.chain, sifted.rules.right.name.lower()
    counts = {rule: len(con_ids) for rule, con_ids in removed.items()}
    facts: dict[str, JsonValue] = {
        "underlying_price": chain.underlying_price,
        "contracts": sifted.looked_at,
        "candidates": len(found),
        "quality": chain.quality.value,
        "grades": _grades(sifted.chain),
        "iv_rank": sifted.known.iv_rank,
        "eliminated": dict(counts),
    }
    at = f"{chain.symbol} at {chain.underlying_price:.2f}"
    if found:
        best = found[0].row
        kind = SignalKind.PUT_CANDIDATES if right == "put" else SignalKind.CALL_CANDIDATES
        summary = (
            f"{at}: {right}s that pass every rule: {len(found)}, best the "
            f"{chain.describe(best)}, {sifted.columns.ror_annualised[best]:.1%} a year."
        )
        return Signal(symbol=chain.symbol, kind=kind, summary=summary, facts=facts)
    main = max(counts, key=lambda rule: counts[rule], default="")
    most = f"most fail {main} ({counts[main]} of {sifted.looked_at})" if main else ""
    return Signal(
        symbol=chain.symbol,
        kind=SignalKind.NO_TRADE,
        summary=f"{at}: no {right} passes every rule; {most or 'the chain is empty'}.",
        facts=facts,
    )
