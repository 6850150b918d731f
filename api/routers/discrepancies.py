"""Where the broker's books differ from the desk's record, and the accepting of the broker's."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from api.commands import once
from api.deps import (
    Desk,
    Listed,
    SignedIn,
    Transaction,
    actor,
    found,
    paged,
    require_operating,
    throttled_command,
)
from api.presenters import discrepancies as presenter
from api.schemas.common import Page
from api.schemas.discrepancies import AcceptFigureAsk, DiscrepancyRow
from domain.discrepancies import DiscrepancyType
from infra.db.accepting import accept_broker_figure
from infra.db.clock import account_clock
from infra.db.queries import discrepancies as queries
from infra.db.queries.paging import PageAsk

router = APIRouter(prefix="/discrepancies", tags=["discrepancies"])
NOTHING = "no such discrepancy"


@router.get("/")
async def list_discrepancies(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.DISCREPANCIES))],
    session: Transaction,
    viewer: SignedIn,
    type: Annotated[list[DiscrepancyType], Query()] = [],  # noqa: A002, B006 - never changed
    is_open: Annotated[
        bool | None, Query(alias="open", description="only open ones, or only cleared ones")
    ] = None,
) -> Page[DiscrepancyRow]:
    """Confirmed discrepancies, latest raised first; those of a gateway are everybody's."""
    rows = await queries.discrepancy_rows(
        session,
        viewer,
        client_id=ask.client,
        account_id=ask.account,
        types=type,
        is_open=is_open,
        page=page,
    )
    return Page(
        items=[presenter.discrepancy_row(row, viewer) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


@router.post("/{discrepancy_id}/accept/", dependencies=[Depends(throttled_command)])
@once
async def accept_figure(
    discrepancy_id: UUID,
    ask: AcceptFigureAsk,
    request: Request,
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> DiscrepancyRow:
    """Take the broker's position or cash for the record. A halted account stays halted."""
    row = found(await queries.discrepancy_detail(session, viewer, discrepancy_id), NOTHING)
    found(row.account_id, NOTHING)
    require_operating(viewer, row.client_id, row.account_portfolio_id)
    now = desk.clock.now()
    market = await account_clock(session, row.account_id)
    await accept_broker_figure(
        session, discrepancy_id, ask.actual, ask.note, actor(request, viewer), market.now(now), now
    )
    row = found(await queries.discrepancy_detail(session, viewer, discrepancy_id), NOTHING)
    return presenter.discrepancy_row(row, viewer)
