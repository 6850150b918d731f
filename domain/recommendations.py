"""What is offered for approval, what a person decided about it, and what the two allow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Self, cast
from uuid import UUID

from pydantic import AwareDatetime, Field, model_validator

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen, Leg, OptionContract, PriceIncrements, Right, Side, plain
from domain.market import Quote
from domain.packages import (
    MAX_LEGS,
    assignment_cash,
    closed_by_roll,
    describe_legs,
    price_words,
    require_tradable_together,
    trade_side,
)

APPROVAL_GRACE = timedelta(minutes=2)


class RecommendationAction(StrEnum):
    """ROLL buys short options in and sells others of the same underlying in one order."""

    OPEN = "OPEN"
    CLOSE = "CLOSE"
    ROLL = "ROLL"


def closing_legs(action: RecommendationAction, legs: Sequence[Leg]) -> tuple[Leg, ...]:
    """The legs that are meant to close what is held."""
    match action:
        case RecommendationAction.OPEN:
            return ()
        case RecommendationAction.CLOSE:
            return tuple(legs)
        case RecommendationAction.ROLL:
            return closed_by_roll(legs)


class RecommendationState(StrEnum):
    """PROPOSED waits for a person; APPROVED is being carried out; the rest are final.

    REJECTED is a person's refusal, DENIED a refusal by our own controls.
    """

    PROPOSED = "PROPOSED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    SUPERSEDED = "SUPERSEDED"
    DENIED = "DENIED"
    COMPLETED = "COMPLETED"
    LAPSED = "LAPSED"

    @property
    def is_final(self) -> bool:
        return self not in (RecommendationState.PROPOSED, RecommendationState.APPROVED)


class DecisionAction(StrEnum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"


RECOMMENDATION_TRANSITIONS: dict[RecommendationState, frozenset[RecommendationState]] = {
    RecommendationState.PROPOSED: frozenset(
        {
            RecommendationState.APPROVED,
            RecommendationState.REJECTED,
            RecommendationState.EXPIRED,
            RecommendationState.SUPERSEDED,
        }
    ),
    RecommendationState.APPROVED: frozenset(
        {RecommendationState.DENIED, RecommendationState.COMPLETED, RecommendationState.LAPSED}
    ),
}


class Terms(Frozen):
    """The immutable economics a person approves. Any change makes a new recommendation.

    Prices are per share in the contract's currency. For a sale, ``limit_price`` is where the
    order starts and ``floor_price`` the least credit ever accepted; for a purchase the most
    ever paid. A package of several legs is bought, at a net price that is negative for a credit
    (``domain.packages``), and ``quantity`` counts its units. ``max_drift`` bounds how far the
    underlying may have moved from ``reference_underlying_price`` (as a fraction) when the order
    is built.
    """

    schema_version: int = 1
    account_code: str
    action: RecommendationAction
    legs: tuple[Leg, ...] = Field(min_length=1, max_length=MAX_LEGS)
    quantity: int = Field(ge=1)
    limit_price: Decimal
    floor_price: Decimal
    max_drift: Decimal = Field(gt=0, le=1)
    reference_underlying_price: Decimal = Field(gt=0)
    reference_bid: Decimal
    reference_ask: Decimal
    increments: PriceIncrements
    quoted_at: AwareDatetime
    deadline: AwareDatetime = Field(description="market time after which nobody may approve")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_tradable_together(self.legs)
        self._require_roll()
        for name, price in (("limit_price", self.limit_price), ("floor_price", self.floor_price)):
            problem = self.price_problem(price)
            if problem is not None:
                raise ValueError(f"{name} {problem}")
        if not self.is_no_worse(self.limit_price, self.floor_price):
            raise ValueError(
                f"limit_price {plain(self.limit_price)} is worse than "
                f"floor_price {plain(self.floor_price)}"
            )
        if not self.is_package and (self.reference_bid < 0 or self.reference_ask <= 0):
            raise ValueError("the reference market is not above zero")
        if self.deadline <= self.quoted_at:
            raise ValueError("deadline is not after quoted_at")
        return self

    def _require_roll(self) -> None:
        """What a roll buys in it may sell again, and no more: it never adds contracts."""
        if not self.is_roll:
            return
        for right in Right:
            change = sum(leg.side.sign * leg.ratio for leg in self.legs_of(right))
            if change < 0:
                raise ValueError(f"a roll sells more {right.name.lower()}s than it buys in")
        if len({leg.side for leg in self.legs}) < len(Side):
            raise ValueError("a roll both buys and sells")

    @property
    def is_package(self) -> bool:
        return len(self.legs) > 1

    @property
    def is_roll(self) -> bool:
        return self.action is RecommendationAction.ROLL

    @property
    def lead(self) -> Leg:
        """The leg a trade is filed under: of a roll the first option sold, else the first leg."""
        if not self.is_roll:
            return self.legs[0]
        sold = (leg for leg in self.opening_legs if leg.side is Side.SELL)
        return next(sold, self.legs[0])

    @property
    def contract(self) -> OptionContract:
        """The contract of the leg a trade is filed under; the only one of an ordinary trade."""
        return self.lead.contract

    @property
    def side(self) -> Side:
        return trade_side(self.legs)

    @property
    def closing_legs(self) -> tuple[Leg, ...]:
        """The legs that are meant to close what is held."""
        return closing_legs(self.action, self.legs)

    @property
    def opening_legs(self) -> tuple[Leg, ...]:
        closing = self.closing_legs
        return tuple(leg for leg in self.legs if leg not in closing)

    @property
    def assignment_cash(self) -> Decimal:
        """What the puts sold may newly call for, beyond what a roll gives back."""
        return assignment_cash(self.legs, self.quantity, closing=self.closing_legs)

    def __hash__(self) -> int:
        """Of what tells most terms apart: it is worked out whenever their ``hash`` is asked for."""
        return hash((self.legs[0].contract.con_id, self.quantity, self.limit_price, self.quoted_at))

    @property
    def hash(self) -> str:
        return terms_hash(self)

    def legs_of(self, right: Right) -> tuple[Leg, ...]:
        return tuple(leg for leg in self.legs if leg.contract.right is right)

    def price_problem(self, price: Decimal) -> str | None:
        """Why no order could bear ``price``, in words that follow it; None if one could."""
        if not self.is_package and price <= 0:
            return f"{plain(price)} is not above zero"
        if not self.increments.accepts(price):
            return f"{plain(price)} is not a multiple of {plain(self.increments.at(price))}"
        return None

    def is_no_worse(self, price: Decimal, than: Decimal) -> bool:
        """Whether ``price`` is at least as good for us as ``than``."""
        return price >= than if self.side is Side.SELL else price <= than

    def describe(self) -> str:
        trade = describe_legs(self.legs, self.quantity, is_roll=self.is_roll)
        return f"{trade} {price_words(self.legs, self.limit_price)} or better"


def terms_hash(terms: Terms) -> str:
    """SHA-256 over the canonical JSON of ``terms``; equal terms give equal hashes everywhere.

    Which is also why a hash may be remembered: by what the terms say, never by their identity.

    Decimals are written without trailing zeros so that 4.10 read back from a database as
    4.1000 is still the price that was approved.
    """
    return _hash_of(cast("Hashable", terms))


@lru_cache(maxsize=256)
def _hash_of(terms: Hashable) -> str:
    assert isinstance(terms, Terms)
    canonical = _CANONICAL.encode(terms.model_dump(mode="python"))
    return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _in_text(value: object) -> str:
    """What JSON has no form for. It has one for floats, but no term is one."""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no canonical form for {type(value).__name__}")


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_in_text)


class Decision(Frozen):
    """What one person decided about one recommendation, on the terms they saw."""

    id: UUID
    recommendation_id: UUID
    action: DecisionAction
    user_id: UUID
    terms_hash: str
    quantity: int | None = Field(default=None, ge=1, description="fewer contracts than offered")
    limit_price: Decimal | None = Field(default=None, description="a better limit")
    reason: str | None = None
    decided_at: AwareDatetime


class ApprovedTrade(Frozen):
    """Terms narrowed by an approval: the most that may be done, at the worst price allowed."""

    recommendation_id: UUID
    decision_id: UUID
    terms: Terms
    quantity: int = Field(ge=1)
    limit_price: Decimal
    floor_price: Decimal


def approved_trade(terms: Terms, decision: Decision) -> ApprovedTrade:
    """What ``decision`` allows on ``terms``.

    Raises GreenlightError: NOT_APPROVED if the decision is no approval, TERMS_CHANGED if it was
    made on other terms, OUTSIDE_TERMS if it asks for more than was offered.
    """
    if decision.action is not DecisionAction.APPROVE:
        raise GreenlightError(ErrorCode.NOT_APPROVED, "the decision on record is no approval")
    if decision.terms_hash != terms.hash:
        raise GreenlightError(
            ErrorCode.TERMS_CHANGED,
            "the approval was given on other terms",
            approved=decision.terms_hash,
            current=terms.hash,
        )
    quantity, limit_price = check_within_terms(terms, decision.quantity, decision.limit_price)
    # A better limit chosen by the person is also the worst price they accept.
    floor = terms.floor_price if decision.limit_price is None else limit_price
    # Terms are checked when they are made, and again wherever a record that holds them is.
    return ApprovedTrade.of_checked(
        recommendation_id=decision.recommendation_id,
        decision_id=decision.id,
        terms=terms,
        quantity=quantity,
        limit_price=limit_price,
        floor_price=floor,
    )


def check_within_terms(
    terms: Terms, quantity: int | None, limit_price: Decimal | None
) -> tuple[int, Decimal]:
    """The quantity and limit an approval means, defaulting to those offered.

    Raises GreenlightError OUTSIDE_TERMS or PRICE_INCREMENT naming the field.
    """
    wanted = terms.quantity if quantity is None else quantity
    if not 1 <= wanted <= terms.quantity:
        raise GreenlightError(
            ErrorCode.OUTSIDE_TERMS,
            f"quantity {wanted} is not between 1 and the offered {terms.quantity}",
            field="quantity",
            limit=terms.quantity,
            actual=wanted,
        )
    price = terms.limit_price if limit_price is None else limit_price
    if not terms.is_no_worse(price, terms.limit_price):
        raise GreenlightError(
            ErrorCode.OUTSIDE_TERMS,
            f"limit {plain(price)} is worse than the offered {plain(terms.limit_price)}",
            field="limit_price",
            limit=str(terms.limit_price),
            actual=str(price),
        )
    problem = terms.price_problem(price)
    if problem is not None:
        raise GreenlightError(ErrorCode.PRICE_INCREMENT, f"limit {problem}", field="limit_price")
    return wanted, price


class RuleResult(Frozen):
    """One rule of a strategy or control: what it looked at, what it allowed, whether it passed."""

    rule: str
    value: str
    threshold: str
    passed: bool
    code: ErrorCode | None = None


def walked_price(
    trade: ApprovedTrade, attempt: int, attempts: int, quote: Quote | None = None
) -> Decimal:
    """The limit of ``attempt`` (1-based) when walking from the start to the worst price.

    The start is the approved limit, or the quote's mid where that is better for us; the worst
    is the approved floor, or the side of the quote we would trade against where that is better.
    Steps are equal and rounded to an accepted price on our side of the exact step, so that no
    attempt is ever worse than the approved floor. A one-sided or crossed quote improves nothing.
    """
    selling = trade.terms.side is Side.SELL
    increments = trade.terms.increments
    better = max if selling else min
    first_step = increments.at(Decimal(0))

    def accepted(price: Decimal) -> Decimal:
        if selling:
            return increments.up(price)
        # A purchase rounds down, yet a single option's never to nothing.
        down = increments.down(price)
        return down if trade.terms.is_package else max(down, first_step)

    start, worst = trade.limit_price, trade.floor_price
    if quote is not None and quote.mid is not None and not quote.is_crossed:
        near = quote.bid if selling else quote.ask
        assert near is not None
        start = better(start, accepted(quote.mid))
        worst = better(worst, accepted(near))
    if attempts <= 1 or attempt <= 1:
        return start
    share = Decimal(min(attempt, attempts) - 1) / Decimal(attempts - 1)
    price = accepted(start + (worst - start) * share)
    return price if trade.terms.is_no_worse(price, worst) else worst


def approval_freshness(terms: Terms, market_now: datetime) -> RuleResult:
    """Whether an approval may still start an order: it must not wait out an outage.

    Some grace is given for an approval in the last second before the deadline.
    """
    latest = terms.deadline + APPROVAL_GRACE
    return RuleResult(
        rule="approval_fresh",
        value=f"{market_now:%Y-%m-%d %H:%M:%S} UTC",
        threshold=f"no later than {latest:%Y-%m-%d %H:%M:%S} UTC",
        passed=market_now <= latest,
        code=None if market_now <= latest else ErrorCode.RECOMMENDATION_EXPIRED,
    )
