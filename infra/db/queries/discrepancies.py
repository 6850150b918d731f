"""Discrepancies between the broker's books and ours, confirmed ones only."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.discrepancies import DiscrepancyType
from infra.db.models import Discrepancy, Portfolio
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, with_account
from infra.db.queries.paging import Cursor, Rows, decode_cursor
from infra.db.queries.viewer import Viewer


class DiscrepancyCursor(Cursor):
    raised_at: datetime
    id: UUID


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
    limit: int,
    cursor: str | None,
) -> Rows[AnyRow]:
    """Discrepancies, latest raised first. A client's list includes those of the gateways."""
    after = decode_cursor(DiscrepancyCursor, cursor)
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
    if after is not None:
        same = and_(Discrepancy.raised_at == after.raised_at, Discrepancy.id < after.id)
        statement = statement.where(or_(Discrepancy.raised_at < after.raised_at, same))
    statement = statement.order_by(Discrepancy.raised_at.desc(), Discrepancy.id.desc())
    rows = (await session.execute(statement.limit(limit + 1))).all()
    return Rows(rows, limit, lambda row: DiscrepancyCursor(raised_at=row.raised_at, id=row.id))


async def discrepancy_detail(
    session: AsyncSession, viewer: Viewer, discrepancy_id: UUID
) -> AnyRow | None:
    found = await session.execute(_visible(viewer).where(Discrepancy.id == discrepancy_id))
    return found.one_or_none()
