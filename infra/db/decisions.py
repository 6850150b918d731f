"""Recording what a person decided. The row written here is the only thing that authorises.

One transaction: lock the recommendation, check that it still waits on the very terms the person
saw, insert the decision (one per recommendation, by constraint) and its audit entry.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import assert_never
from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.errors import ErrorCode, GreenlightError
from domain.instruments import Frozen
from domain.recommendations import (
    DecisionAction,
    RecommendationAction,
    RecommendationState,
    Terms,
    check_within_terms,
)
from domain.risk.limits import TradingState
from infra.db.audit import Actor, audit
from infra.db.clock import account_clock, host_now
from infra.db.models import Decision, Recommendation
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
    """A decision on record. ``is_replay``: the same request had been recorded before."""

    id: UUID
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
    TRADING_REDUCING or BROKER_UNAVAILABLE (market time unknown). Nothing is written then.
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
        return None
    same = (
        known.recommendation_id == request.recommendation_id
        and known.action == request.action
        and known.terms_hash == request.terms_hash
        and known.quantity == request.quantity
        and known.limit_price == request.limit_price
        and known.reason == request.reason
    )
    if not same:
        raise GreenlightError(
            ErrorCode.IDEMPOTENCY_KEY_REUSED, "this key recorded another decision before"
        )
    return RecordedDecision(
        id=known.id,
        recommendation_id=known.recommendation_id,
        action=known.action,
        state=recommendation.state,
        decided_at=known.decided_at,
        is_replay=True,
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
        after={
            "state": recommendation.state.value,
            "terms_hash": request.terms_hash,
            "quantity": request.quantity,
            "limit_price": None if request.limit_price is None else str(request.limit_price),
            "reason": request.reason,
        },
    )
    await session.flush()
    return RecordedDecision(
        id=decision.id,
        recommendation_id=recommendation.id,
        action=request.action,
        state=recommendation.state,
        decided_at=decision.decided_at,
    )
