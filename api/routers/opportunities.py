"""Opportunities: the contracts that the last runs found, and what became of all others."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.deps import Listed, SignedIn, Transaction, paged
from api.presenters import opportunities as presenter
from api.schemas.common import Page
from api.schemas.opportunities import OpportunityRow, RunFindings
from domain.recommendations import RecommendationAction
from infra.db.queries import opportunities as queries
from infra.db.queries.paging import PageAsk

router = APIRouter(prefix="/opportunities", tags=["opportunities"])
Strategy = Annotated[UUID | None, Query(description="only this strategy instance's")]
Run = Annotated[UUID | None, Query(description="of this run; of every last one if left out")]


def wanted(
    ask: Listed,
    strategy: Strategy = None,
    run: Run = None,
    symbol: Annotated[str | None, Query(max_length=16)] = None,
    action: Annotated[RecommendationAction | None, Query()] = None,
    recommended: Annotated[bool | None, Query()] = None,
) -> queries.Wanted:
    return queries.Wanted(ask.client, ask.account, strategy, run, symbol, action, recommended)


@router.get("/")
async def list_opportunities(
    asked: Annotated[queries.Wanted, Depends(wanted)],
    page: Annotated[PageAsk, Depends(paged(queries.OPPORTUNITIES))],
    session: Transaction,
    viewer: SignedIn,
) -> Page[OpportunityRow]:
    """Contracts that came through every rule of their strategy, newest run first, best first."""
    rows = await queries.opportunity_rows(session, viewer, asked, page=page)
    return Page(
        items=[presenter.opportunity_row(row) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


@router.get("/runs/")
async def list_findings(
    session: Transaction,
    viewer: SignedIn,
    client: Annotated[UUID | None, Query()] = None,
    account: Annotated[UUID | None, Query()] = None,
    strategy: Strategy = None,
    run: Run = None,
) -> list[RunFindings]:
    """What every instance's last run saw, and how many contracts each rule removed."""
    rows = await queries.last_runs(session, viewer, queries.Wanted(client, account, strategy, run))
    signals = await queries.signals_of(session, [row.id for row in rows])
    return [presenter.run_findings(row, signals[row.id]) for row in rows]
