"""Discrepancies between the broker's books and ours, confirmed ones only."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.discrepancies import DiscrepancyType
from infra.db.models import BrokerAccount, Discrepancy, Portfolio
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, severity_rank, with_account
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

DISCREPANCIES = Ordering(
    Discrepancy.id,
    "-raised_at",
    nullable=("account", "cleared_at"),
    raised_at=Discrepancy.raised_at,
    type=Discrepancy.type,
    severity=severity_rank(Discrepancy.severity),
    account=BrokerAccount.code,
    cleared_at=Discrepancy.cleared_at,
)


def _visible(viewer: Viewer) -> Rowed:
    """Those on visible accounts, and those of a gateway as a whole, which everybody sees."""
    statement: Rowed = select(
        Discrepancy.id,
        Discrepancy.type,
        Discrepancy.severity,
        Discrepancy.subject,
        Discrepancy.con_id,
        Discrepancy.expected,
        Discrepancy.actual,
        Discrepancy.detail,
        Discrepancy.first_seen_at,
        Discrepancy.last_seen_at,
        Discrepancy.raised_at,
        Discrepancy.cleared_at,
        *ACCOUNT,
    ).select_from(Discrepancy)
    statement = with_account(statement, Discrepancy.broker_account_id, optional=True)
    visible = viewer.sees(Discrepancy.broker_account_id)
    return statement.where(
        Discrepancy.raised_at.is_not(None),
        or_(Discrepancy.broker_account_id.is_(None), visible),
    )


async def discrepancy_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    types: Collection[DiscrepancyType],
    is_open: bool | None,
    page: PageAsk,
) -> Rows[AnyRow]:
    """Discrepancies, latest raised first. A client's list includes those of the gateways."""
    statement = _visible(viewer)
    if client_id is not None:
        ours = Portfolio.client_id == client_id
        statement = statement.where(or_(Discrepancy.broker_account_id.is_(None), ours))
    if account_id is not None:
        statement = statement.where(Discrepancy.broker_account_id == account_id)
    if types:
        statement = statement.where(Discrepancy.type.in_(types))
    if is_open is not None:
        cleared = Discrepancy.cleared_at
        statement = statement.where(cleared.is_(None) if is_open else cleared.is_not(None))
    return await page_rows(session, statement, DISCREPANCIES, page)


async def discrepancy_detail(
    session: AsyncSession, viewer: Viewer, discrepancy_id: UUID
) -> AnyRow | None:
    found = await session.execute(_visible(viewer).where(Discrepancy.id == discrepancy_id))
    return found.one_or_none()
