"""Alerts, and the acknowledging of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.severity import Severity
from infra.db.models import Alert, AlertState, BrokerAccount, Portfolio
from infra.db.queries.columns import ACCOUNT, AnyRow, Rowed, severity_rank, with_account
from infra.db.queries.paging import Ordering, PageAsk, Rows, page_rows
from infra.db.queries.viewer import Viewer

ALERTS = Ordering(
    Alert.id,
    "-raised_at",
    nullable=("account", "cleared_at"),
    raised_at=Alert.raised_at,
    severity=severity_rank(Alert.severity),
    state=Alert.state,
    code=Alert.code,
    account=BrokerAccount.code,
    cleared_at=Alert.cleared_at,
)


def _visible(viewer: Viewer) -> Rowed:
    """Alerts on visible accounts, and those of the desk itself, which everybody sees."""
    statement: Rowed = select(
        Alert.id,
        Alert.code,
        Alert.severity,
        Alert.state,
        Alert.title,
        Alert.detail,
        Alert.subject,
        Alert.raised_at,
        Alert.cleared_at,
        Alert.acknowledged_at,
        Alert.acknowledged_by,
        Alert.note,
        Alert.context["recommendation_id"].astext.label("recommendation_id"),
        *ACCOUNT,
    ).select_from(Alert)
    statement = with_account(statement, Alert.broker_account_id, optional=True)
    visible = viewer.sees(Alert.broker_account_id)
    return statement.where(or_(Alert.broker_account_id.is_(None), visible))


async def alert_rows(
    session: AsyncSession,
    viewer: Viewer,
    *,
    client_id: UUID | None,
    account_id: UUID | None,
    states: Collection[AlertState],
    severities: Collection[Severity] = (),
    page: PageAsk,
) -> Rows[AnyRow]:
    """Alerts, latest raised first. A client's list includes those of the desk itself."""
    statement = _visible(viewer)
    if client_id is not None:
        ours = Portfolio.client_id == client_id
        statement = statement.where(or_(Alert.broker_account_id.is_(None), ours))
    if account_id is not None:
        statement = statement.where(Alert.broker_account_id == account_id)
    if states:
        statement = statement.where(Alert.state.in_(states))
    if severities:
        statement = statement.where(Alert.severity.in_(severities))
    return await page_rows(session, statement, ALERTS, page)


async def alert_detail(session: AsyncSession, viewer: Viewer, alert_id: UUID) -> AnyRow | None:
    return (await session.execute(_visible(viewer).where(Alert.id == alert_id))).one_or_none()


async def acknowledge(
    session: AsyncSession, alert_id: UUID, *, by: str, at: datetime, note: str
) -> bool:
    """Take an open alert as read; False if it was not open any more."""
    changed = await session.execute(
        update(Alert)
        .where(Alert.id == alert_id, Alert.state == AlertState.OPEN)
        .values(state=AlertState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=at, note=note)
        .returning(Alert.id)
    )
    return changed.one_or_none() is not None
