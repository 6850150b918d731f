"""Orders with what was executed of them, and executions with the order they belong to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.orders import OrderState
from infra.db.models import Execution, Order, OrderEvent, Portfolio, Recommendation
from infra.db.queries.columns import (
    ACCOUNT,
    INSTRUMENT,
    AnyRow,
    Rowed,
    rows_of,
    with_account,
    with_instrument,
)
from infra.db.queries.paging import Cursor, Rows, decode_cursor
from infra.db.queries.viewer import Viewer


class OrderCursor(Cursor):
    """Newest first: keys are ordered by time."""

    id: UUID


class ExecutionCursor(Cursor):
    """Latest trade first."""

    executed_at: datetime
    id: UUID


_ORDER_COLUMNS = (
    Order.id,
    Order.order_key,
    Order.recommendation_id,
    Order.attempt,
    Order.state,
    Order.side,
    Order.quantity,
    Order.filled_quantity,
    Order.average_price,
    Order.limit_price,
    Order.tif,
    Order.intent,
    Recommendation.action,
    Order.broker_order_id,
    Order.perm_id,
    Order.broker_status,
    Order.reason_code,
    Order.reason,
    Order.absent_looks,
    Order.last_look,
    Order.declared_quantity,
    Order.cancel_requested,
    Order.sent_at,
    Order.acknowledged_at,
    Order.ended_at,
    Order.created_at,
    *ACCOUNT,
    *INSTRUMENT,
)
_EXECUTION_COLUMNS = (
    Execution.id,
    Execution.exec_id,
    Execution.order_id,
    Order.recommendation_id,
    Order.attempt,
    Execution.side,
    Execution.quantity,
    Execution.price,
    Execution.commission,
    Execution.commission_currency,
    Execution.realized_pnl,
    Execution.executed_at,
    Execution.superseded,
    Execution.con_id,
    Execution.is_package,
    Execution.created_at,
    *ACCOUNT,
    *INSTRUMENT,
)


def _commission_total() -> Any:
    return (
        select(func.sum(Execution.commission))
        .where(Execution.order_id == Order.id, Execution.superseded.is_(False))
        .scalar_subquery()
        .label("commission_total")
    )


def _orders(viewer: Viewer) -> Rowed:
    statement: Rowed = select(*_ORDER_COLUMNS, _commission_total()).select_from(Order)
    statement = statement.join(Recommendation, Recommendation.id == Order.recommendation_id)
    statement = with_account(statement, Order.broker_account_id)
    statement = with_instrument(statement, Order.instrument_id)
    return statement.where(viewer.sees(Order.broker_account_id))


def _executions(viewer: Viewer) -> Rowed:
    statement: Rowed = select(*_EXECUTION_COLUMNS).select_from(Execution)
    statement = statement.join(Order, Order.id == Execution.order_id, isouter=True)
    statement = with_account(statement, Execution.broker_account_id)
    statement = with_instrument(statement, Execution.instrument_id, optional=True)
    return statement.where(viewer.sees(Execution.broker_account_id))


async def order_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    states: Collection[OrderState],
    limit: int,
    cursor: str | None,
) -> Rows[AnyRow]:
    """Orders, newest first."""
    after = decode_cursor(OrderCursor, cursor)
    statement = _orders(viewer)
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(Order.broker_account_id == account_id)
    if states:
        statement = statement.where(Order.state.in_(states))
    if after is not None:
        statement = statement.where(Order.id < after.id)
    statement = statement.order_by(Order.id.desc()).limit(limit + 1)
    rows = await rows_of(session, statement)
    return Rows(rows, limit, lambda row: OrderCursor(id=row.id))


async def order_detail(session: AsyncSession, viewer: Viewer, order_id: UUID) -> AnyRow | None:
    """One order, or None if it does not exist or the viewer may not see it."""
    statement = _orders(viewer).add_columns(Order.what_if, Order.own_margin)
    return (await session.execute(statement.where(Order.id == order_id))).one_or_none()


async def orders_of_recommendation(
    session: AsyncSession, viewer: Viewer, recommendation_id: UUID
) -> Sequence[AnyRow]:
    """Every attempt to trade one recommendation, first attempt first."""
    statement = _orders(viewer).where(Order.recommendation_id == recommendation_id)
    return (await session.execute(statement.order_by(Order.attempt))).all()


async def executions_of_orders(
    session: AsyncSession, viewer: Viewer, order_ids: Collection[UUID]
) -> Sequence[AnyRow]:
    """Everything executed of some orders, corrected rows included, in order of execution."""
    if not order_ids:
        return []
    statement = _executions(viewer).where(Execution.order_id.in_(order_ids))
    return (await session.execute(statement.order_by(Execution.executed_at, Execution.id))).all()


async def events_of_orders(session: AsyncSession, order_ids: Collection[UUID]) -> Sequence[AnyRow]:
    """What was learnt about orders already found to be visible, in the order it was learnt."""
    if not order_ids:
        return []
    statement = (
        select(
            OrderEvent.id,
            OrderEvent.order_id,
            OrderEvent.created_at,
            OrderEvent.kind,
            OrderEvent.state_before,
            OrderEvent.state_after,
            OrderEvent.perm_id,
            OrderEvent.exec_id,
            OrderEvent.payload,
        )
        .where(OrderEvent.order_id.in_(order_ids))
        .order_by(OrderEvent.created_at, OrderEvent.id)
    )
    return (await session.execute(statement)).all()


async def withdraw(session: AsyncSession, recommendation_id: UUID, at: datetime) -> None:
    """Note that a person wants no further attempt; the first time it was asked is kept."""
    await session.execute(
        update(Recommendation)
        .where(Recommendation.id == recommendation_id, Recommendation.withdrawn_at.is_(None))
        .values(withdrawn_at=at)
    )


async def execution_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    order_id: UUID | None,
    limit: int,
    cursor: str | None,
) -> Rows[AnyRow]:
    """Executions, latest first; those of trades made outside the desk included."""
    after = decode_cursor(ExecutionCursor, cursor)
    statement = _executions(viewer)
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(Execution.broker_account_id == account_id)
    if order_id is not None:
        statement = statement.where(Execution.order_id == order_id)
    if after is not None:
        earlier = Execution.executed_at < after.executed_at
        same = and_(Execution.executed_at == after.executed_at, Execution.id < after.id)
        statement = statement.where(or_(earlier, same))
    latest_first = (Execution.executed_at.desc(), Execution.id.desc())
    rows = await rows_of(session, statement.order_by(*latest_first).limit(limit + 1))
    return Rows(rows, limit, lambda row: ExecutionCursor(executed_at=row.executed_at, id=row.id))
