"""Alerts."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from api.commands import once
from api.deps import Desk, Listed, SignedIn, Transaction, actor, found, paged, throttled_command
from api.presenters import alerts as presenter
from api.schemas.alerts import AcknowledgeAsk, AlertRow
from api.schemas.common import Page
from domain.errors import ErrorCode, GreenlightError
from infra.db.audit import audit
from infra.db.models import AlertState, Severity
from infra.db.queries import alerts as queries
from infra.db.queries.paging import PageAsk

router = APIRouter(prefix="/alerts", tags=["alerts"])
NOTHING = "no such alert"


@router.get("/")
async def list_alerts(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.ALERTS))],
    session: Transaction,
    viewer: SignedIn,
    state: Annotated[list[AlertState], Query()] = [],  # noqa: B006 - never changed
    severity: Annotated[list[Severity], Query()] = [],  # noqa: B006 - never changed
) -> Page[AlertRow]:
    """Alerts, latest raised first; those of the desk itself are everybody's."""
    rows = await queries.alert_rows(
        session,
        viewer,
        client_id=ask.client,
        account_id=ask.account,
        states=state,
        severities=severity,
        page=page,
    )
    return Page(
        items=[presenter.alert_row(row) for row in rows.items], next_cursor=rows.next_cursor
    )


@router.post("/{alert_id}/acknowledge/", dependencies=[Depends(throttled_command)])
@once
async def acknowledge_alert(
    alert_id: UUID,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
    ask: AcknowledgeAsk | None = None,
) -> AlertRow:
    """Take an alert as read, with a note perhaps. It stays until what it is about is over."""
    row = found(await queries.alert_detail(session, viewer, alert_id), NOTHING)
    if not viewer.may_acknowledge_for(row.client_id, row.account_portfolio_id):
        raise GreenlightError(ErrorCode.FORBIDDEN, "acknowledging needs more than the role VIEWER")
    note, by = "" if ask is None else ask.note, actor(request, viewer)
    now = desk.clock.now()
    if await queries.acknowledge(session, alert_id, by=by.name, at=now, note=note):
        audit(
            session, by, "alert.acknowledged", "alert", alert_id,
            before={"state": row.state.value},
            after={"state": AlertState.ACKNOWLEDGED.value, "note": note},
        )  # fmt: skip
    return presenter.alert_row(
        found(await queries.alert_detail(session, viewer, alert_id), NOTHING)
    )
