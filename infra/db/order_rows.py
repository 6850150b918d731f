"""Between order rows and the domain's Order: loading under lock, folding, and storing back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bind_contextvars

from domain.errors import ErrorCode, GreenlightError
from domain.order_evidence import BrokerStatus, Fill, FillSeen, OrderEvidence
from domain.orders import Order, OrderIntent, OrderState
from domain.ports import OrderRecord
from domain.risk.limits import TradingState
from infra.db.alerts import clear_alert, raise_alert
from infra.db.audit import Actor
from infra.db.clock import database_now
from infra.db.models import Execution, Gateway, OrderEvent, Severity
from infra.db.models import Order as OrderRow
from infra.db.trading_state import StateChange, change_trading_state

LEDGER = Actor(name="order ledger")


async def lock_order(session: AsyncSession, order_key: str) -> OrderRow:
    """The order's row, locked until the transaction ends. GreenlightError NOT_FOUND."""
    row = await session.scalar(
        select(OrderRow)
        .where(OrderRow.order_key == order_key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise GreenlightError(ErrorCode.NOT_FOUND, f"no order {order_key}", order_key=order_key)
    return row


async def order_of(session: AsyncSession, row: OrderRow) -> Order:
    """The domain's order: the row's state and every execution stored for it."""
    executions = await session.scalars(
        select(Execution).where(Execution.order_id == row.id).order_by(Execution.id)
    )
    return order_from(row, tuple(fill_of(execution) for execution in executions))


def order_from(row: OrderRow, fills: tuple[Fill, ...]) -> Order:
    """The domain's order where its executions are known."""
    intent = OrderIntent.model_validate(row.intent)
    return Order(
        order_key=row.order_key,
        quantity=row.quantity,
        side=row.side,
        legs=intent.legs if intent.is_package else (),
        state=row.state,
        perm_id=row.perm_id or 0,
        broker_status=None if row.broker_status is None else BrokerStatus(row.broker_status),
        cancel_requested=row.cancel_requested,
        fills=fills,
        reason_code=row.reason_code,
        reason=row.reason,
        absent_looks=row.absent_looks,
        declared=row.declared_quantity,
    )


def order_ready(intent: OrderIntent) -> Order:
    """The order that was just made of ``intent``, of which nothing else is known."""
    return Order(
        order_key=intent.order_key,
        quantity=Decimal(intent.quantity),
        side=intent.side,
        legs=intent.legs if intent.is_package else (),
    )


def fill_of(execution: Execution) -> Fill:
    return Fill(
        exec_id=execution.exec_id,
        side=execution.side,
        quantity=execution.quantity,
        price=execution.price,
        executed_at=execution.executed_at,
        con_id=execution.con_id,
        is_package=execution.is_package,
    )


async def record_of(session: AsyncSession, row: OrderRow) -> OrderRecord:
    """The stored order in the terms of the ports; what its reader logs from here on names it."""
    intent = OrderIntent.model_validate(row.intent)
    bind_contextvars(account=intent.account_code, order_key=row.order_key)
    gateway = await session.scalar(select(Gateway.slug).where(Gateway.id == row.gateway_id))
    assert gateway is not None
    return OrderRecord(
        order=await order_of(session, row),
        intent=intent,
        recommendation_id=row.recommendation_id,
        decision_id=row.decision_id,
        attempt=row.attempt,
        gateway=gateway,
        broker_order_id=row.broker_order_id,
        client_id=row.client_number,
    )


async def fold(
    session: AsyncSession,
    row: OrderRow,
    evidence: OrderEvidence,
    *,
    before: Order | None = None,
    payload: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> bool:
    """Fold ``evidence`` into the locked ``row`` and write down what it changed.

    For a fill, ``before`` is the order without it, because its execution row is already there.
    ``at`` is Postgres's time where the caller has just read it. Returns whether anything changed.
    Raises IllegalTransition for a move of our own that the table does not allow.
    """
    known = before if before is not None else await order_of(session, row)
    after = known.apply(evidence)
    if after == known:
        return False
    _store(row, known, after, at or await database_now(session))
    session.add(
        OrderEvent(
            order_id=row.id,
            gateway_id=row.gateway_id,
            kind=evidence.kind,
            order_ref=row.order_key,
            exec_id=evidence.fill.exec_id if isinstance(evidence, FillSeen) else None,
            perm_id=row.perm_id,
            state_before=known.state,
            state_after=after.state,
            payload=payload if payload is not None else evidence.model_dump(mode="json"),
        )
    )
    await session.flush()
    await _consequences(session, row, known, after)
    return True


def _store(row: OrderRow, before: Order, after: Order, now: datetime) -> None:
    row.state = after.state
    row.perm_id = after.perm_id or None
    row.broker_status = None if after.broker_status is None else after.broker_status.value
    row.cancel_requested = after.cancel_requested
    row.reason_code = after.reason_code
    row.reason = after.reason
    row.absent_looks = after.absent_looks
    row.declared_quantity = after.declared
    row.filled_quantity = after.filled
    row.average_price = after.average_price
    if after.state not in (OrderState.UNKNOWN, OrderState.QUARANTINE):
        row.last_look = None
    if row.acknowledged_at is None and after.perm_id:
        row.acknowledged_at = now
    if not after.state.is_terminal:
        row.ended_at = None
    elif not before.state.is_terminal:
        row.ended_at = now


_IN_DOUBT = (OrderState.UNKNOWN, OrderState.CANCEL_PENDING)


def _only_asked_to_end(before: Order, after: Order) -> bool:
    """Our own request, without a word of the broker: the order is in doubt as before."""
    asked = after.state is OrderState.CANCEL_PENDING
    return asked and after.broker_status == before.broker_status


async def _consequences(session: AsyncSession, row: OrderRow, before: Order, after: Order) -> None:
    """Alerts that follow from a change of state, and the halt that follows from a contradiction."""
    if after.state is OrderState.UNKNOWN:
        await raise_alert(
            session,
            ErrorCode.ORDER_UNPROVEN,
            row.order_key,
            Severity.CRITICAL,
            "An order's fate is not proven",
            detail=after.reason,
            account_id=row.broker_account_id,
            context={"order_id": str(row.id)},
        )
    elif before.state in _IN_DOUBT and not _only_asked_to_end(before, after):
        await clear_alert(session, ErrorCode.ORDER_UNPROVEN, row.order_key)
    if after.state is OrderState.CANCELLED is not before.state and not after.cancel_requested:
        await raise_alert(
            session,
            "CANCELLED_AT_BROKER",
            row.order_key,
            Severity.WARNING,
            "An order was cancelled, and not by this desk",
            detail=f"{after.filled:f} of {after.quantity:f} filled; {after.reason}",
            account_id=row.broker_account_id,
            context={"order_id": str(row.id)},
        )
    if before.state.is_terminal and after.filled != before.filled:
        await raise_alert(
            session,
            "LATE_FILL",
            row.order_key,
            Severity.CRITICAL,
            f"A fill arrived after the order was {before.state}",
            detail=f"filled {before.filled} → {after.filled} of {after.quantity}",
            account_id=row.broker_account_id,
            context={"order_id": str(row.id)},
        )
    contradicted = after.state is OrderState.QUARANTINE and (
        before.state is not OrderState.QUARANTINE or before.reason_code is not after.reason_code
    )
    if contradicted:
        altered = after.reason_code is ErrorCode.ORDER_ALTERED
        await raise_alert(
            session,
            ErrorCode.ORDER_ALTERED if altered else ErrorCode.ORDER_QUARANTINED,
            row.order_key,
            Severity.CRITICAL,
            "An order was altered at the broker: the account is halted"
            if altered
            else "The broker's record contradicts ours: the account is halted",
            detail=after.reason,
            account_id=row.broker_account_id,
            context={"order_id": str(row.id)},
        )
        await halt_account(session, row.broker_account_id, after.reason)
    elif before.state is OrderState.QUARANTINE is not after.state:
        for code in (ErrorCode.ORDER_QUARANTINED, ErrorCode.ORDER_ALTERED):
            await clear_alert(session, code, row.order_key)


async def tell_uneven_package(session: AsyncSession, row: OrderRow) -> None:
    """Alert while the executions of a package and of its legs tell different quantities.

    Called when all executions the broker has are on record: in between they arrive one by one.
    """
    order = await order_of(session, row)
    if not order.legs:
        return
    executed = order.executed
    if executed.agrees:
        await clear_alert(session, "PACKAGE_UNEVEN", row.order_key)
        return
    of_package = "none" if executed.package is None else f"{executed.package:f}"
    await raise_alert(
        session,
        "PACKAGE_UNEVEN",
        row.order_key,
        Severity.CRITICAL if executed.begun != executed.complete else Severity.WARNING,
        "The executions of a package and of its legs differ",
        detail=f"{executed.describe()} of {row.quantity:f} by the legs, {of_package} as a package",
        account_id=row.broker_account_id,
        context={"order_id": str(row.id)},
    )


async def halt_account(session: AsyncSession, broker_account_id: UUID, reason: str) -> None:
    """Stop new orders on one account and say why; a person resumes it."""
    halt = StateChange(account_id=broker_account_id, state=TradingState.HALTED, reason=reason)
    await change_trading_state(session, halt, LEDGER)
