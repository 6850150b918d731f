"""Recording what a person decided. The row written here is the only thing that authorises.

One transaction: lock the recommendation, check that it still waits on the very terms the person
saw, insert the decision (one per recommendation, by constraint) and its audit entry. Where two
people must approve, the first leaves an approval, which authorises nothing.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, assert_never
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.four_eyes import needs_two
from domain.instruments import Frozen
from domain.recommendations import (
    DecisionAction,
    RecommendationAction,
    RecommendationState,
    Terms,
    check_within_terms,
)
from domain.risk.limits import TradingState
from infra.db.alerts import clear_alert
from infra.db.approvals import (
    approval_by_key,
    approvals_that_count,
    max_loss_each,
    standing,
)
from infra.db.audit import Actor, audit
from infra.db.clock import account_clock, host_now
from infra.db.models import Approval, Decision, Recommendation
from infra.db.recommendations import APPROVAL_DENIED
from infra.db.trading_state import effective_trading_state


class DecisionRequest(Frozen):
    """A click, with everything needed to hold it to what the person saw."""

    recommendation_id: UUID
    action: DecisionAction
    user_id: UUID
    user_email: str
    address: str = ""
    terms_hash: str
    quantity: int | None = None
    limit_price: Decimal | None = None
    reason: str | None = None
    idempotency_key: str = Field(min_length=8, max_length=128)


class RecordedDecision(Frozen):
    """A decision on record. ``is_replay``: the same request had been recorded before.

    ``id`` is None while a first approval waits for the second.
    """

    id: UUID | None
    recommendation_id: UUID
    action: DecisionAction
    state: RecommendationState
    decided_at: datetime
    is_replay: bool = False


async def record_decision(session: AsyncSession, request: DecisionRequest) -> RecordedDecision:
    """Record ``request``; the caller has checked permission and commits.

    Repeating a request with its own idempotency key returns the decision it made. Raises
    GreenlightError: NOT_FOUND, IDEMPOTENCY_KEY_REUSED, TERMS_CHANGED, RECOMMENDATION_EXPIRED,
    ALREADY_DECIDED, NOT_PENDING, OUTSIDE_TERMS, PRICE_INCREMENT, TRADING_HALTED,
    TRADING_REDUCING, FORBIDDEN (the role was revoked meanwhile), SECOND_APPROVER_REQUIRED,
    APPROVAL_DIFFERS or BROKER_UNAVAILABLE (market time unknown). Nothing is written then.
    """
    recommendation = await session.scalar(
        select(Recommendation)
        .where(Recommendation.id == request.recommendation_id)
        .with_for_update()
    )
    if recommendation is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, "no such recommendation")
    replayed = await _replayed(session, request, recommendation)
    if replayed is not None:
        return replayed

    _require_pending(recommendation)
    terms = Terms.model_validate(recommendation.terms)
    if request.terms_hash != recommendation.terms_hash or request.terms_hash != terms.hash:
        raise GreenlightError(
            ErrorCode.TERMS_CHANGED,
            "the decision was made on other terms than those on record",
            seen=request.terms_hash,
            current=recommendation.terms_hash,
        )
    clock = await account_clock(session, recommendation.broker_account_id)
    if clock.now(host_now()) >= recommendation.deadline:
        raise GreenlightError(
            ErrorCode.RECOMMENDATION_EXPIRED,
            f"the deadline was {recommendation.deadline:%Y-%m-%d %H:%M:%S} UTC market time",
        )
    await _check_allowed(session, request, recommendation, terms)
    held = await standing(session, recommendation.broker_account_id, request.user_id)
    if held is None or not held.may_decide:
        raise GreenlightError(ErrorCode.FORBIDDEN, "the role to decide was taken away")
    if request.action is DecisionAction.APPROVE and needs_two(
        held.policy,
        terms,
        request.quantity or terms.quantity,
        max_loss_each(recommendation.metrics),
    ):
        first = await _first_of_two(session, request, recommendation)
        if first is not None:
            return first
    return await _write(session, request, recommendation)


async def _replayed(
    session: AsyncSession, request: DecisionRequest, recommendation: Recommendation
) -> RecordedDecision | None:
    known = await session.scalar(
        select(Decision).where(
            Decision.user_id == request.user_id,
            Decision.idempotency_key == request.idempotency_key,
        )
    )
    if known is None:
        return await _replayed_approval(session, request, recommendation)
    same = (
        _is_same_ask(known, request)
        and known.action == request.action
        and known.reason == request.reason
    )
    _require_same(same)
    return RecordedDecision(
        id=known.id,
        recommendation_id=known.recommendation_id,
        action=known.action,
        state=recommendation.state,
        decided_at=known.decided_at,
        is_replay=True,
    )


async def _replayed_approval(
    session: AsyncSession, request: DecisionRequest, recommendation: Recommendation
) -> RecordedDecision | None:
    """The first of two approvals, made by this very request; what came of it may be known."""
    if recommendation.first_approved_at is None:
        return None
    known = await approval_by_key(session, request.user_id, request.idempotency_key)
    if known is None:
        return None
    _require_same(request.action is DecisionAction.APPROVE and _is_same_ask(known, request))
    return RecordedDecision(
        id=None,
        recommendation_id=recommendation.id,
        action=request.action,
        state=recommendation.state,
        decided_at=known.approved_at,
        is_replay=True,
    )


def _is_same_ask(known: Decision | Approval, request: DecisionRequest) -> bool:
    return (
        known.recommendation_id == request.recommendation_id
        and known.terms_hash == request.terms_hash
        and known.quantity == request.quantity
        and known.limit_price == request.limit_price
    )


def _require_same(same: bool) -> None:
    if not same:
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key recorded another decision before"
        )


def _require_pending(recommendation: Recommendation) -> None:
    state = recommendation.state
    if state is RecommendationState.PROPOSED:
        return
    if state is RecommendationState.EXPIRED:
        raise GreenlightError(ErrorCode.RECOMMENDATION_EXPIRED, "the deadline has passed")
    if state is RecommendationState.SUPERSEDED:
        raise GreenlightError(
            ErrorCode.NOT_PENDING,
            "a newer recommendation has taken its place",
            superseded_by=str(recommendation.superseded_by_id),
        )
    raise GreenlightError(
        ErrorCode.ALREADY_DECIDED, f"it was decided before and is {state}", state=state.value
    )


async def _check_allowed(
    session: AsyncSession,
    request: DecisionRequest,
    recommendation: Recommendation,
    terms: Terms,
) -> None:
    if request.action is DecisionAction.REJECT:
        return
    check_within_terms(terms, request.quantity, request.limit_price)
    if terms.action is RecommendationAction.CLOSE:
        return
    state = await effective_trading_state(session, recommendation.broker_account_id)
    match state:
        case TradingState.ACTIVE:
            return
        case TradingState.REDUCING:
            raise GreenlightError(ErrorCode.TRADING_REDUCING, "this trade would open a position")
        case TradingState.HALTED:
            raise GreenlightError(ErrorCode.TRADING_HALTED, "trading is halted")
        case _:
            assert_never(state)


async def _first_of_two(
    session: AsyncSession, request: DecisionRequest, recommendation: Recommendation
) -> RecordedDecision | None:
    """Record an approval where two people must approve; None where it completes them.

    Whoever approved and may no longer decide does not count, so that their approval waits on.
    """
    counting = await approvals_that_count(
        session, recommendation.id, recommendation.broker_account_id
    )
    if any(each.user_id == request.user_id for each in counting):
        raise GreenlightError(
            ErrorCode.SECOND_APPROVER_REQUIRED, "you have approved it; another person must as well"
        )
    now = host_now()
    own = Approval(
        recommendation_id=recommendation.id,
        user_id=request.user_id,
        terms_hash=request.terms_hash,
        quantity=request.quantity,
        limit_price=request.limit_price,
        idempotency_key=request.idempotency_key,
        approved_at=now,
    )
    session.add(own)
    if counting:
        _require_agreement(counting[0], request)
        return None
    recommendation.first_approved_at = now
    audit(
        session,
        Actor(name=request.user_email, user_id=request.user_id, address=request.address),
        "recommendation.first_approved",
        "recommendation",
        recommendation.id,
        before={"state": RecommendationState.PROPOSED.value},
        after=_facts(request, RecommendationState.PROPOSED),
    )
    await session.flush()
    return RecordedDecision(
        id=None,
        recommendation_id=recommendation.id,
        action=request.action,
        state=recommendation.state,
        decided_at=now,
    )


def _require_agreement(first: Approval, request: DecisionRequest) -> None:
    if (first.quantity, first.limit_price) != (request.quantity, request.limit_price):
        raise GreenlightError(
            ErrorCode.APPROVAL_DIFFERS,
            "the two approvals must be of the same quantity and limit",
            quantity=first.quantity,
            limit_price=first.limit_price,
        )


def _facts(request: DecisionRequest, state: RecommendationState) -> dict[str, Any]:
    return {
        "state": state.value,
        "terms_hash": request.terms_hash,
        "quantity": request.quantity,
        "limit_price": None if request.limit_price is None else str(request.limit_price),
        "reason": request.reason,
    }


async def _write(
    session: AsyncSession, request: DecisionRequest, recommendation: Recommendation
) -> RecordedDecision:
    approved = request.action is DecisionAction.APPROVE
    decision = Decision(
        recommendation_id=recommendation.id,
        user_id=request.user_id,
        action=request.action,
        terms_hash=request.terms_hash,
        quantity=request.quantity,
        limit_price=request.limit_price,
        reason=request.reason,
        idempotency_key=request.idempotency_key,
        decided_at=host_now(),
    )
    session.add(decision)
    if recommendation.predecessor_id is not None:
        # Who decides on the fresh terms knows that the first ones came to nothing.
        await clear_alert(session, APPROVAL_DENIED, str(recommendation.predecessor_id))
    recommendation.state = (
        RecommendationState.APPROVED if approved else RecommendationState.REJECTED
    )
    if not approved:
        recommendation.reason = request.reason or ""
        recommendation.concluded_at = decision.decided_at
    audit(
        session,
        Actor(name=request.user_email, user_id=request.user_id, address=request.address),
        "recommendation.approved" if approved else "recommendation.rejected",
        "recommendation",
        recommendation.id,
        before={"state": RecommendationState.PROPOSED.value},
        after=_facts(request, recommendation.state),
    )
    await session.flush()
    return RecordedDecision(
        id=decision.id,
        recommendation_id=recommendation.id,
        action=request.action,
        state=recommendation.state,
        decided_at=decision.decided_at,
    )
