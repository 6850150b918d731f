"""The queue, the decision card, and deciding."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crash_points import crash_point
from api.deps import (
    Desk,
    IdempotencyKey,
    Listed,
    Resources,
    SignedIn,
    Transaction,
    actor,
    found,
    paged,
    require_deciding,
    throttled_command,
)
from api.fast_lists import page_answer
from api.presenters import recommendations as presenter
from api.proof import require_fresh
from api.schemas.common import Page
from api.schemas.recommendations import (
    ApproveAsk,
    BulkRejectAsk,
    BulkRejection,
    BulkRejectionItem,
    DecisionReceipt,
    RecommendationDetail,
    RecommendationRow,
    RejectAsk,
)
from domain.errors import GreenlightError
from domain.recommendations import DecisionAction, RecommendationState
from infra.db.decisions import DecisionRequest, record_decision
from infra.db.queries import orders as order_queries
from infra.db.queries import recommendations as queries
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer

log = structlog.stdlib.get_logger(__name__)

router = APIRouter(prefix="/recommendations", tags=["recommendations"])
NOTHING = "no such recommendation"


def wanted_recommendations(
    ask: Listed,
    state: Annotated[list[RecommendationState], Query()] = [],  # noqa: B006 - never changed
    symbol: Annotated[str | None, Query(max_length=16)] = None,
    strategy: Annotated[UUID | None, Query(description="only this instance's")] = None,
) -> queries.WantedRecommendations:
    return queries.WantedRecommendations(ask.client, ask.account, state, symbol, strategy)


@router.get("/", response_model=Page[RecommendationRow])
async def list_recommendations(
    wanted: Annotated[queries.WantedRecommendations, Depends(wanted_recommendations)],
    page: Annotated[PageAsk, Depends(paged(queries.RECOMMENDATIONS))],
    session: Transaction,
    viewer: SignedIn,
) -> Response:
    """Those waiting for a decision by deadline, then all others, newest first."""
    rows = await queries.recommendation_rows(session, viewer, wanted, page)
    return page_answer(map(presenter.recommendation_fields, rows.items), rows.next_cursor)


@router.get("/{recommendation_id}/")
async def get_recommendation(
    recommendation_id: UUID, desk: Desk, session: Transaction, viewer: SignedIn
) -> RecommendationDetail:
    """The decision card, and after the decision the life of its orders."""
    row = found(await queries.recommendation_detail(session, viewer, recommendation_id), NOTHING)
    orders = await order_queries.orders_of_recommendation(session, viewer, recommendation_id)
    order_ids = [order.id for order in orders]
    card = presenter.Card(
        recommendation=row,
        decision=await queries.decision_on(session, recommendation_id),
        approvals=[]
        if row.first_approved_at is None
        else await queries.approvals_of(session, recommendation_id),
        orders=orders,
        executions=await order_queries.executions_of_orders(session, viewer, order_ids),
        events=await order_queries.events_of_orders(session, order_ids),
    )
    return presenter.recommendation_detail(card, viewer, desk.settings, desk.clock.now())


@router.post("/{recommendation_id}/approve/", dependencies=[Depends(throttled_command)])
async def approve_recommendation(
    recommendation_id: UUID,
    ask: ApproveAsk,
    key: IdempotencyKey,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> DecisionReceipt:
    """Approve the terms that were on screen, or fewer contracts at a better limit.

    Repeating the request with the same Idempotency-Key gives the same receipt.
    """
    return await _decide(
        desk,
        session,
        viewer,
        DecisionRequest(
            recommendation_id=recommendation_id,
            action=DecisionAction.APPROVE,
            user_id=viewer.user_id,
            user_email=viewer.email,
            address=actor(request, viewer).address,
            terms_hash=ask.terms_hash,
            quantity=ask.quantity,
            limit_price=_price(ask.limit_price),
            idempotency_key=key,
        ),
    )


@router.post("/{recommendation_id}/reject/", dependencies=[Depends(throttled_command)])
async def reject_recommendation(
    recommendation_id: UUID,
    ask: RejectAsk,
    key: IdempotencyKey,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> DecisionReceipt:
    """Reject, with the reason in words."""
    return await _decide(
        desk,
        session,
        viewer,
        DecisionRequest(
            recommendation_id=recommendation_id,
            action=DecisionAction.REJECT,
            user_id=viewer.user_id,
            user_email=viewer.email,
            address=actor(request, viewer).address,
            terms_hash=ask.terms_hash,
            reason=ask.reason,
            idempotency_key=key,
        ),
    )


@router.post("/reject/", dependencies=[Depends(throttled_command)])
async def reject_recommendations(
    ask: BulkRejectAsk,
    key: IdempotencyKey,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> BulkRejection:
    """Reject several with one reason, each by the terms that were on screen.

    Each stands by itself: what cannot be rejected is answered with why, and stops no other.
    Repeating the request with the same Idempotency-Key gives the same receipts.
    """
    results: list[BulkRejectionItem] = []
    for item in ask.items:
        wanted = DecisionRequest(
            recommendation_id=item.recommendation_id,
            action=DecisionAction.REJECT,
            user_id=viewer.user_id,
            user_email=viewer.email,
            address=actor(request, viewer).address,
            terms_hash=item.terms_hash,
            reason=ask.reason,
            idempotency_key=_key_of_item(key, item.recommendation_id),
        )
        try:
            receipt = await _decide(desk, session, viewer, wanted)
        except GreenlightError as error:
            await session.rollback()
            results.append(BulkRejectionItem(receipt=None, refusal=presenter.refusal(error)))
        else:
            results.append(BulkRejectionItem(receipt=receipt, refusal=None))
    return BulkRejection(items=results)


def _key_of_item(key: str, recommendation_id: UUID) -> str:
    return hashlib.sha256(f"{key} {recommendation_id}".encode()).hexdigest()


def _price(price: Decimal | None) -> Decimal | None:
    # As the column keeps it, so that a replay compares equal digit for digit.
    return None if price is None else price.quantize(Decimal("1e-6"))


async def _decide(
    desk: Resources, session: AsyncSession, viewer: Viewer, request: DecisionRequest
) -> DecisionReceipt:
    stake = found(
        await queries.stake_in_recommendation(session, viewer, request.recommendation_id), NOTHING
    )
    require_deciding(viewer, stake.client_id, stake.portfolio_id)
    if request.action is DecisionAction.APPROVE and stake.step_up_minutes is not None:
        require_fresh(viewer, desk, timedelta(minutes=stake.step_up_minutes))
    recorded = await record_decision(session, request)
    delivered = (
        recorded.id is not None
        and recorded.is_replay
        and await queries.was_delivered(session, recorded.id)
    )
    crash_point("decision.uncommitted")
    # Committed before the signal: a workflow must never hear of a decision that is not on record.
    await session.commit()
    crash_point("decision.committed")
    if recorded.id is not None and not delivered:
        delivered = await desk.signals.decision(
            recorded.recommendation_id, recorded.id, recorded.action
        )
    crash_point("decision.signalled")
    # With the request's id and person, from here by the decision's id to `order.sent`.
    log.info(
        "decision.recorded",
        recommendation_id=str(recorded.recommendation_id),
        decision_id=recorded.id and str(recorded.id),
        action=recorded.action.value,
        delivered=delivered,
    )
    return DecisionReceipt(
        recommendation_id=recorded.recommendation_id,
        decision_id=recorded.id,
        awaits_second_approver=recorded.state is RecommendationState.PROPOSED,
        action=recorded.action,
        state=recorded.state,
        delivered=delivered,
        decided_at=recorded.decided_at,
    )
