"""Orders and executions."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from activities.crash_points import crash_point
from api.commands import once
from api.deps import (
    Desk,
    Listed,
    SignalsDep,
    SignedIn,
    Transaction,
    actor,
    found,
    paged,
    require_deciding,
    require_operating,
    throttled_command,
)
from api.fast_lists import page_answer
from api.presenters import orders as presenter
from api.schemas.common import Day, Page
from api.schemas.orders import (
    DeclareEndedAsk,
    DeclareNotSentAsk,
    ExecutionRow,
    OrderDetail,
    OrderRow,
)
from domain.errors import ErrorCode, GreenlightError
from domain.orders import OrderState
from infra.db.audit import audit
from infra.db.commands import Declaration, ending_evidence
from infra.db.commands import declare_ended as record_ended
from infra.db.commands import declare_not_sent as record_not_sent
from infra.db.queries import orders as queries
from infra.db.queries.paging import PageAsk
from infra.db.queries.viewer import Viewer

router = APIRouter(tags=["orders"])
NOTHING = "no such order"


Symbol = Annotated[str | None, Query(max_length=32, description="only of this underlying")]
ExchangeDay = Annotated[Day | None, Query(description="exchange date, included")]


def wanted_orders(
    ask: Listed,
    state: Annotated[list[OrderState], Query()] = [],  # noqa: B006 - never changed
    symbol: Symbol = None,
    since: ExchangeDay = None,
    until: ExchangeDay = None,
) -> queries.WantedTrades:
    return queries.WantedTrades(
        ask.client, ask.account, symbol, since, _bounded(until), states=state
    )


def wanted_executions(
    ask: Listed,
    order: Annotated[UUID | None, Query(description="only of this order")] = None,
    symbol: Symbol = None,
    since: ExchangeDay = None,
    until: ExchangeDay = None,
) -> queries.WantedTrades:
    return queries.WantedTrades(
        ask.client, ask.account, symbol, since, _bounded(until), order_id=order
    )


def _bounded(until: date | None) -> date | None:
    """A day beyond the calendar's end has no day after it."""
    return None if until == date.max else until


@router.get("/orders/", response_model=Page[OrderRow])
async def list_orders(
    wanted: Annotated[queries.WantedTrades, Depends(wanted_orders)],
    page: Annotated[PageAsk, Depends(paged(queries.ORDERS))],
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> Response:
    """Orders, newest first."""
    rows = await queries.order_rows(session, viewer, wanted, page)
    items = (presenter.order_fields(row, viewer, desk.settings) for row in rows.items)
    return page_answer(items, rows.next_cursor)


@router.get("/orders/{order_id}/")
async def get_order(
    order_id: UUID, desk: Desk, session: Transaction, viewer: SignedIn
) -> OrderDetail:
    """One order with its executions and all that was learnt about it."""
    row = found(await queries.order_detail(session, viewer, order_id), NOTHING)
    executions = await queries.executions_of_orders(session, viewer, [order_id])
    events = await queries.events_of_orders(session, [order_id])
    evidence = await ending_evidence(session, order_id)
    return presenter.order_detail(row, executions, events, evidence, viewer, desk.settings)


@router.post(
    "/orders/{order_id}/cancel/",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[Depends(throttled_command)],
)
@once
async def cancel_order(
    order_id: UUID,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
) -> OrderRow:
    """Withdraw the approval: no further attempt, and what is at the broker is cancelled.

    Asking again does no harm.
    """
    row = found(await queries.order_detail(session, viewer, order_id), NOTHING)
    require_deciding(viewer, row.client_id, row.account_portfolio_id)
    if not presenter.is_cancellable(row.state):
        raise GreenlightError(
            ErrorCode.ILLEGAL_TRANSITION, f"an order that is {row.state} cannot be cancelled"
        )
    await queries.withdraw(session, row.recommendation_id, desk.clock.now())
    audit(
        session, actor(request, viewer), "order.cancel_requested", "order", row.order_key,
        before={"state": row.state.value}, after={"withdrawn": str(row.recommendation_id)},
    )  # fmt: skip
    crash_point("withdrawal.uncommitted")
    # On record first: from here on no further attempt can be sent, whoever hears of it.
    await session.commit()
    crash_point("withdrawal.committed")
    await signals.withdraw(row.recommendation_id)
    crash_point("withdrawal.signalled")
    return await _order(session, order_id, desk, viewer)


@router.post("/orders/{order_id}/declare-not-sent/", dependencies=[Depends(throttled_command)])
@once
async def declare_not_sent(
    order_id: UUID,
    ask: DeclareNotSentAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
) -> OrderRow:
    """Declare, on the evidence, that an UNKNOWN order never reached the broker."""
    row = found(await queries.order_detail(session, viewer, order_id), NOTHING)
    require_operating(viewer, row.client_id, row.account_portfolio_id)
    await record_not_sent(session, order_id, _declaration(request, viewer, ask.reason))
    crash_point("declaration.uncommitted")
    await session.commit()
    crash_point("declaration.committed")
    await signals.order_changed(row.recommendation_id, row.order_key)
    return await _order(session, order_id, desk, viewer)


@router.post("/orders/{order_id}/declare-ended/", dependencies=[Depends(throttled_command)])
@once
async def declare_ended(
    order_id: UUID,
    ask: DeclareEndedAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    signals: SignalsDep,
) -> OrderRow:
    """Declare, on the evidence, that an order in doubt is over, and how much of it was traded."""
    row = found(await queries.order_detail(session, viewer, order_id), NOTHING)
    require_operating(viewer, row.client_id, row.account_portfolio_id)
    by = _declaration(request, viewer, ask.reason)
    await record_ended(session, order_id, ask.executed_quantity, by)
    await session.commit()
    await signals.order_changed(row.recommendation_id, row.order_key)
    return await _order(session, order_id, desk, viewer)


def _declaration(request: Request, viewer: Viewer, reason: str) -> Declaration:
    return Declaration(
        user_id=viewer.user_id,
        user_email=viewer.email,
        address=actor(request, viewer).address,
        reason=reason,
    )


async def _order(session: AsyncSession, order_id: UUID, desk: Desk, viewer: SignedIn) -> OrderRow:
    row = found(await queries.order_detail(session, viewer, order_id), NOTHING)
    return presenter.order_row(row, viewer, desk.settings)


@router.get("/executions/", response_model=Page[ExecutionRow])
async def list_executions(
    wanted: Annotated[queries.WantedTrades, Depends(wanted_executions)],
    page: Annotated[PageAsk, Depends(paged(queries.EXECUTIONS))],
    session: Transaction,
    viewer: SignedIn,
) -> Response:
    """Executions, latest first; trades made outside the desk included."""
    rows = await queries.execution_rows(session, viewer, wanted, page)
    return page_answer(map(presenter.execution_fields, rows.items), rows.next_cursor)
