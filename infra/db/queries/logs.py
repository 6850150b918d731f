"""Logs: what strategies stumbled over, what the broker said, and who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from infra.db.models import (
    AuditEvent,
    AuditLink,
    BrokerAccount,
    Gateway,
    Instrument,
    Order,
    OrderEvent,
    Portfolio,
    RunMode,
    StrategyInstance,
    StrategyRun,
)
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, with_account
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

# What the broker says in words; fills and states are told on the orders themselves.
_MESSAGES = ("error", "refused_message")


STRATEGY_ERRORS = Ordering(
    StrategyRun.id,
    "-started_at",
    started_at=StrategyRun.started_at,
    strategy=StrategyInstance.name,
    account=BrokerAccount.code,
    status=StrategyRun.status,
)
_SAID_BY = Gateway.__table__.alias("said_by")
BROKER_MESSAGES = Ordering(
    OrderEvent.id,
    "-created_at",
    nullable=("symbol", "account"),
    created_at=OrderEvent.id,  # keys are ordered by time
    gateway=_SAID_BY.c.name,
    symbol=Instrument.symbol,
    account=BrokerAccount.code,
)
AUDIT = Ordering(
    AuditLink.seq,
    "-seq",
    seq=AuditLink.seq,
    at=AuditEvent.at,
    actor=AuditEvent.actor,
    action=AuditEvent.action,
)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which part of the audit trail: ``action`` by how it begins, ``actor`` by a part of it."""

    mine: bool = False
    action: str | None = None
    actor: str | None = None
    since: datetime | None = None


async def strategy_error_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    page: PageAsk,
) -> Rows[AnyRow]:
    """Live runs that had errors, the newest first."""
    statement: Rowed = select(
        StrategyRun.id,
        StrategyRun.status,
        StrategyRun.started_at,
        StrategyRun.errors,
        StrategyRun.workflow_id,
        StrategyInstance.id.label("strategy_id"),
        StrategyInstance.name.label("strategy"),
        *ACCOUNT,
    ).select_from(StrategyRun)
    statement = statement.join(
        StrategyInstance, StrategyInstance.id == StrategyRun.strategy_instance_id
    )
    account = StrategyInstance.broker_account_id
    statement = with_account(statement, account).where(
        StrategyRun.mode == RunMode.LIVE,
        func.jsonb_array_length(StrategyRun.errors) > 0,
        viewer.sees(account),
    )
    if client_id is not None:
        statement = statement.where(Portfolio.client_id == client_id)
    if account_id is not None:
        statement = statement.where(account == account_id)
    return await page_rows(session, statement, STRATEGY_ERRORS, page)


async def broker_message_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    page: PageAsk,
) -> Rows[AnyRow]:
    """What the broker said in words, the newest first.

    What it said of no order of ours may speak of anybody's: it is for those who run the desk.
    """
    statement: Rowed = select(
        OrderEvent.id,
        OrderEvent.kind,
        OrderEvent.created_at,
        OrderEvent.payload,
        _SAID_BY.c.name.label("gateway"),
        Order.id.label("order_id"),
        Instrument.symbol,
        *ACCOUNT,
    ).select_from(OrderEvent)
    statement = statement.join(_SAID_BY, _SAID_BY.c.id == OrderEvent.gateway_id)
    statement = statement.join(Order, Order.id == OrderEvent.order_id, isouter=True)
    statement = statement.join(Instrument, Instrument.id == Order.instrument_id, isouter=True)
    statement = with_account(statement, Order.broker_account_id, optional=True)
    visible = viewer.sees(Order.broker_account_id)
    if viewer.operates:
        visible = or_(visible, OrderEvent.order_id.is_(None))
    statement = statement.where(
        OrderEvent.kind.in_(_MESSAGES), visible, or_(viewer.operates, Order.id.is_not(None))
    )
    if client_id is not None:
        ours = Portfolio.client_id == client_id
        statement = statement.where(or_(ours, OrderEvent.order_id.is_(None)))
    if account_id is not None:
        statement = statement.where(Order.broker_account_id == account_id)
    return await page_rows(session, statement, BROKER_MESSAGES, page)


async def audit_rows(
    session: AsyncSession,
    viewer: Viewer,
    wanted: AuditFilter,
    *,
    page: PageAsk,
) -> Rows[AnyRow]:
    """The audit trail, the newest link first; whoever is no administrator sees their own acts."""
    statement: Rowed = select(
        AuditLink.seq,
        AuditEvent.at,
        AuditEvent.actor,
        AuditEvent.address,
        AuditEvent.action,
        AuditEvent.entity,
        AuditEvent.entity_id,
        AuditEvent.before,
        AuditEvent.after,
    ).join(AuditLink, AuditLink.event_id == AuditEvent.id)
    if wanted.mine or not viewer.is_admin:
        statement = statement.where(AuditEvent.user_id == viewer.user_id)
    if wanted.action is not None:
        statement = statement.where(AuditEvent.action.startswith(wanted.action, autoescape=True))
    if wanted.actor is not None:
        statement = statement.where(AuditEvent.actor.icontains(wanted.actor, autoescape=True))
    if wanted.since is not None:
        statement = statement.where(AuditEvent.at >= wanted.since)
    return await page_rows(session, statement, AUDIT, page)
