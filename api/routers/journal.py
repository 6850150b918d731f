"""What trading has brought, by contract, turn of the wheel, strategy and approver; and what became
of what was approved and of what was not."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.deps import Desk, Listed, SignedIn, Transaction, paged
from api.presenters import journal as presenter
from api.presenters.common import stored_legs
from api.schemas.common import Day, Page
from api.schemas.journal import Journal, OutcomeRow
from domain.recommendations import DecisionAction
from infra.calendars import EXCHANGE_ZONE, exchange_date
from infra.db.queries import journal as queries
from infra.db.queries.paging import PageAsk

router = APIRouter(prefix="/journal", tags=["journal"])


@router.get("/")
async def get_journal(
    session: Transaction,
    viewer: SignedIn,
    client: Annotated[UUID | None, Query(description="only this client's")] = None,
    account: Annotated[UUID | None, Query(description="only this account's")] = None,
    since: Annotated[Day | None, Query(description="exchange date; all there is without")] = None,
) -> Journal:
    """Realised and unrealised results of every contract traded, and every turn of the wheel."""
    accounts = await queries.account_journals(session, viewer, client_id=client, account_id=account)
    begin = None if since is None else datetime.combine(since, time(), tzinfo=EXCHANGE_ZONE)
    return presenter.journal(accounts, begin)


@router.get("/outcomes/")
async def list_outcomes(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.DECISIONS))],
    session: Transaction,
    viewer: SignedIn,
    desk: Desk,
    decision: Annotated[DecisionAction | None, Query()] = None,
    strategy: Annotated[UUID | None, Query(description="only this instance's")] = None,
    approver: Annotated[UUID | None, Query(description="only this person's")] = None,
) -> Page[OutcomeRow]:
    """Decisions, the latest first, and what their trades would be worth had they been held."""
    wanted = queries.WantedDecisions(ask.client, ask.account, decision, strategy, approver)
    rows = await queries.decision_rows(session, viewer, wanted, page=page)
    options = {
        leg.contract.con_id: leg.contract for row in rows.items for leg in stored_legs(row.terms)
    }
    known = [row.market_at for row in rows.items if row.market_at is not None]
    marks = await queries.marks(
        session, options.values(), exchange_date(max(known, default=desk.clock.now()))
    )
    traded = await queries.traded(session, [row.recommendation_id for row in rows.items])
    return Page(
        items=[
            presenter.outcome(row, traded.get(row.recommendation_id), marks) for row in rows.items
        ],
        next_cursor=rows.next_cursor,
    )
