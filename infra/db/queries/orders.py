"""Orders with what was executed of them, and executions with the order they belong to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.orders import OrderState
from infra.calendars import EXCHANGE_ZONE
from infra.db.models import (
    BrokerAccount,
    Execution,
    Instrument,
    Order,
    OrderEvent,
    Portfolio,
    Recommendation,
)
from infra.db.queries.columns import (
    ACCOUNT,
    INSTRUMENT,
    AnyRow,
    Rowed,
    rows_of,
    with_account,
    with_instrument,
)
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Column, Viewer

ORDERS = Ordering(
    Order.id,
    "-created_at",
    nullable=("sent_at", "ended_at", "average_price"),
    created_at=Order.id,  # keys are ordered by time
    symbol=Instrument.symbol,
    account=BrokerAccount.code,
    state=Order.state,
    side=Order.side,
    quantity=Order.quantity,
    limit_price=Order.limit_price,
    average_price=Order.average_price,
    sent_at=Order.sent_at,
    ended_at=Order.ended_at,
)
EXECUTIONS = Ordering(
    Execution.id,
    "-executed_at",
    nullable=("symbol", "commission", "realized_pnl"),
    executed_at=Execution.executed_at,
    symbol=Instrument.symbol,
    account=BrokerAccount.code,
    side=Execution.side,
    quantity=Execution.quantity,
    price=Execution.price,
    commission=Execution.commission,
    realized_pnl=Execution.realized_pnl,
)
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


def _all_orders() -> Rowed:
    statement: Rowed = select(*_ORDER_COLUMNS, _commission_total()).select_from(Order)
    statement = statement.join(Recommendation, Recommendation.id == Order.recommendation_id)
    statement = with_account(statement, Order.broker_account_id)
    return with_instrument(statement, Order.instrument_id)


def _all_executions() -> Rowed:
    statement: Rowed = select(*_EXECUTION_COLUMNS).select_from(Execution)
    statement = statement.join(Order, Order.id == Execution.order_id, isouter=True)
    statement = with_account(statement, Execution.broker_account_id)
    return with_instrument(statement, Execution.instrument_id, optional=True)


# Built once: to build one costs a fifth of what a list of a hundred rows takes altogether.
_ORDERS, _EXECUTIONS = _all_orders(), _all_executions()


def _orders(viewer: Viewer) -> Rowed:
    return _ORDERS.where(viewer.sees(Order.broker_account_id))


def _executions(viewer: Viewer) -> Rowed:
    return _EXECUTIONS.where(viewer.sees(Execution.broker_account_id))


@dataclass(frozen=True, slots=True)
class WantedTrades:
    """Which orders, by when they were made; or which executions, by when they were traded.

    Days are exchange dates, both included.
    """

    client_id: UUID | None = None
    account_id: UUID | None = None
    symbol: str | None = None
    since: date | None = None
    until: date | None = None
    states: Collection[OrderState] = ()
    order_id: UUID | None = None

    def narrowed(self, statement: Rowed, account: Column, at: ColumnElement[datetime]) -> Rowed:
        """``account`` and ``at`` are the row's columns; the instrument is joined already."""
        if self.client_id is not None:
            statement = statement.where(Portfolio.client_id == self.client_id)
        if self.account_id is not None:
            statement = statement.where(account == self.account_id)
        if self.symbol is not None:
            statement = statement.where(Instrument.symbol == self.symbol.upper())
        if self.since is not None:
            statement = statement.where(at >= _midnight(self.since))
        if self.until is not None:
            statement = statement.where(at < _midnight(self.until + timedelta(days=1)))
        return statement


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=EXCHANGE_ZONE)


async def order_rows(
    session: AsyncSession, viewer: Viewer, wanted: WantedTrades, page: PageAsk
) -> Rows[AnyRow]:
    """Orders, newest first unless asked for otherwise."""
    statement = wanted.narrowed(_orders(viewer), Order.broker_account_id, Order.created_at)
    if wanted.states:
        statement = statement.where(Order.state.in_(wanted.states))
    return await page_rows(session, statement, ORDERS, page, rows_of)


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
    session: AsyncSession, viewer: Viewer, wanted: WantedTrades, page: PageAsk
) -> Rows[AnyRow]:
    """Executions, latest first; those of trades made outside the desk included."""
    statement = wanted.narrowed(
        _executions(viewer), Execution.broker_account_id, Execution.executed_at
    )
    if wanted.order_id is not None:
        statement = statement.where(Execution.order_id == wanted.order_id)
    return await page_rows(session, statement, EXECUTIONS, page, rows_of)
