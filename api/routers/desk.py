"""The frame around every screen."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api.deps import Desk as DeskResources
from api.deps import SignedIn, Transaction
from api.presenters import desk as presenter
from api.schemas.desk import Desk, DeskCounts
from infra.db.queries import desk as queries

router = APIRouter(tags=["desk"])


@router.get("/desk/")
async def desk(
    resources: DeskResources,
    session: Transaction,
    viewer: SignedIn,
    client: Annotated[UUID | None, Query(description="only this client's accounts")] = None,
) -> Desk:
    """Market, gateways, accounts and what needs attention."""
    settings = await queries.trading_settings(session)
    accounts = await queries.desk_accounts(session, viewer, client)
    gateways = await queries.gateways(session, [row.gateway_id for row in accounts])
    latest_quote = await queries.latest_quote(session) if accounts else None
    counts = await queries.counts(session, [row.id for row in accounts])
    return Desk(
        trading_state=settings.trading_state,
        autotrade_enabled=settings.autotrade_enabled,
        temporal_ui_url=resources.settings.temporal_ui_url,
        market=presenter.market(gateways, latest_quote, resources.clock.now()),
        gateways=[presenter.gateway(row) for row in gateways],
        accounts=[presenter.desk_account(row) for row in accounts],
        counts=DeskCounts.model_validate(counts),
    )
