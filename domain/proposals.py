"""The recommendation builder: from a chosen contract to terms a person can approve.

Shared by all strategies and knowing none of them: a strategy decides what to trade and how
much, this decides how the offer is priced, bounded and timed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import AwareDatetime, Field

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, OptionContract, PriceIncrements, Side
from domain.market import OptionChain, decimal_of
from domain.portfolio import ZERO
from domain.recommendations import Leg, RecommendationAction, RuleResult, Terms
from domain.strategies.base import Opportunity, Proposal


class OfferPrices(Frozen):
    """Where an order starts and the worst price it may ever take, per share, on increments."""

    limit_price: Decimal
    floor_price: Decimal


class OfferPolicy(Frozen):
    """How an offer is bounded.

    ``concession`` is the fraction of mid given up at most; ``worst_price`` an absolute bound on
    top of it (for a sale the least credit worth taking), which always wins.
    """

    concession: Decimal = Field(ge=0, lt=1)
    max_drift: Decimal = Field(gt=0, le=1)
    decision_minutes: int = Field(ge=1)
    worst_price: Decimal | None = Field(default=None, gt=0)


class TradeIdea(Frozen):
    """What a strategy wants done: contracts of one option, on the market it was seen in."""

    account_code: str
    contract: OptionContract
    side: Side
    action: RecommendationAction
    quantity: int = Field(ge=1)
    bid: Decimal = Field(gt=0)
    ask: Decimal = Field(gt=0)
    underlying_price: Decimal = Field(gt=0)
    increments: PriceIncrements
    quoted_at: AwareDatetime

    @classmethod
    def from_chain(
        cls,
        chain: OptionChain,
        row: int,
        account_code: str,
        side: Side,
        action: RecommendationAction,
        quantity: int,
    ) -> TradeIdea:
        """The contract in ``row`` of ``chain``, at its quote there."""
        return cls.of_checked(
            account_code=account_code,
            contract=chain.contract(row),
            side=side,
            action=action,
            quantity=quantity,
            bid=decimal_of(chain.bid[row]),
            ask=decimal_of(chain.ask[row]),
            underlying_price=decimal_of(chain.underlying_price),
            increments=chain.increments,
            quoted_at=chain.as_of,
        )


def offer_prices(
    side: Side, bid: Decimal, ask: Decimal, increments: PriceIncrements, policy: OfferPolicy
) -> OfferPrices:
    """The limit and the floor of an offer.

    The limit is mid, rounded in our favour, so for a sale it is never below the bid. The floor
    is the market's near side (the bid for a sale) or mid less the concession, whichever leaves
    more room: a person takes minutes to decide, in which a tight market moves by more than its
    spread. Neither price ever passes ``worst_price``.

    Raises GreenlightError DATA_INVALID for a crossed or one-sided market, and for a purchase
    that may not even cost the lowest price there is.
    """
    if not 0 < bid <= ask:
        raise GreenlightError(ErrorCode.DATA_INVALID, f"no market to offer into: {bid} × {ask}")
    mid = (bid + ask) / 2
    if side is Side.SELL:
        least = ZERO if policy.worst_price is None else policy.worst_price
        limit = increments.up(max(mid, least))
        floor = increments.up(max(min(bid, mid * (1 - policy.concession)), least))
        return OfferPrices(limit_price=limit, floor_price=min(floor, limit))
    most = max(ask, mid * (1 + policy.concession))
    most = most if policy.worst_price is None else min(most, policy.worst_price)
    step = increments.at(ZERO)
    if most < step:
        raise GreenlightError(
            ErrorCode.DATA_INVALID, f"no accepted price is as low as {most}: the first is {step}"
        )
    limit = max(increments.down(min(mid, most)), step)
    return OfferPrices(limit_price=limit, floor_price=max(increments.down(most), limit))


def offer_deadline(as_of: datetime, session_close: datetime, decision_minutes: int) -> datetime:
    """Market time until which a person may decide: never past the session's close.

    Raises GreenlightError MARKET_CLOSED when that leaves no time at all.
    """
    if session_close <= as_of:
        raise GreenlightError(
            ErrorCode.MARKET_CLOSED,
            f"the session closed at {session_close:%H:%M} UTC; nothing can be offered",
        )
    return min(as_of + timedelta(minutes=decision_minutes), session_close)


def build_terms(
    idea: TradeIdea, policy: OfferPolicy, as_of: datetime, session_close: datetime
) -> Terms:
    """The immutable terms of ``idea``. Errors: those of offer_prices and offer_deadline."""
    prices = offer_prices(idea.side, idea.bid, idea.ask, idea.increments, policy)
    return Terms(
        account_code=idea.account_code,
        action=idea.action,
        legs=(Leg(contract=idea.contract, side=idea.side),),
        quantity=idea.quantity,
        limit_price=prices.limit_price,
        floor_price=prices.floor_price,
        max_drift=policy.max_drift,
        reference_underlying_price=idea.underlying_price,
        reference_bid=idea.bid,
        reference_ask=idea.ask,
        increments=idea.increments,
        quoted_at=idea.quoted_at,
        deadline=offer_deadline(as_of, session_close, policy.decision_minutes),
    )


def build_proposal(
    opportunity: Opportunity,
    terms: Terms,
    rationale: Iterable[str],
    confidence: float,
    extra_rules: Iterable[RuleResult] = (),
) -> Proposal:
    """``terms`` as an offer; the terms must be those of the opportunity's own contract.

    An opportunity to roll is the contract that would be sold.
    """
    if terms.contract != opportunity.contract or terms.lead.side is not opportunity.side:
        raise GreenlightError(
            ErrorCode.DATA_INVALID,
            f"terms on {terms.contract.describe()} do not belong to "
            f"{opportunity.contract.describe()}",
        )
    return Proposal(
        opportunity_rank=opportunity.rank,
        terms=terms,
        rationale=tuple(rationale),
        confidence=min(max(confidence, 0.0), 1.0),
        rule_trace=(*opportunity.rules, *extra_rules),
    )


def unexplained_proposal(
    rank: int, terms: Terms, rule_trace: tuple[RuleResult, ...] = ()
) -> Proposal:
    """``terms`` as an offer whose reasons nobody reads: `StrategyContext.explains` tells."""
    return Proposal.of_checked(
        opportunity_rank=rank, terms=terms, rationale=(), confidence=0.0, rule_trace=rule_trace
    )
