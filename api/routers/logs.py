"""What strategies stumbled over, what the broker said, and the audit trail."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.administering import administrator
from api.deps import Desk, Listed, SignedIn, Transaction, paged, throttled_command
from api.presenters import logs as presenter
from api.schemas.common import Moment, Page
from api.schemas.logs import (
    AuditRow,
    AuditVerification,
    BrokerMessageRow,
    StrategyErrorRow,
    VerifyAsk,
)
from infra.db.audit_chain import verify_audit_chain
from infra.db.queries import logs as queries
from infra.db.queries.paging import PageAsk

router = APIRouter(tags=["logs"])
Words = Annotated[str | None, Query(max_length=254)]


@router.get("/logs/strategy-errors/")
async def list_strategy_errors(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.STRATEGY_ERRORS))],
    desk: Desk,
    session: Transaction,
    viewer: SignedIn,
) -> Page[StrategyErrorRow]:
    """Runs that had errors, the newest first."""
    rows = await queries.strategy_error_rows(
        session,
        viewer,
        client_id=ask.client,
        account_id=ask.account,
        page=page,
    )
    return Page(
        items=[presenter.strategy_error_row(row, desk.settings) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


@router.get("/logs/broker-messages/")
async def list_broker_messages(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.BROKER_MESSAGES))],
    session: Transaction,
    viewer: SignedIn,
) -> Page[BrokerMessageRow]:
    """What the broker said in words, the newest first; of no order of ours to those who operate."""
    rows = await queries.broker_message_rows(
        session,
        viewer,
        client_id=ask.client,
        account_id=ask.account,
        page=page,
    )
    return Page(
        items=[presenter.broker_message_row(row) for row in rows.items],
        next_cursor=rows.next_cursor,
    )


def audit_filter(
    mine: bool = False,
    action: Annotated[Words, Query(description="how it begins, e.g. recommendation.")] = None,
    actor: Annotated[Words, Query(description="a part of it")] = None,
    since: Moment | None = None,
) -> queries.AuditFilter:
    return queries.AuditFilter(mine, action, actor, since)


@router.get("/audit/")
async def list_audit(
    session: Transaction,
    viewer: SignedIn,
    wanted: Annotated[queries.AuditFilter, Depends(audit_filter)],
    page: Annotated[PageAsk, Depends(paged(queries.AUDIT))],
) -> Page[AuditRow]:
    """Who did what, the newest first: everything to an administrator, to others their own acts."""
    rows = await queries.audit_rows(session, viewer, wanted, page=page)
    return Page(
        items=[AuditRow.model_validate(row) for row in rows.items], next_cursor=rows.next_cursor
    )


@router.post("/audit/verify/", dependencies=[Depends(administrator), Depends(throttled_command)])
async def verify_audit(ask: VerifyAsk, session: Transaction) -> AuditVerification:
    """Walk the whole chain of hashes: is the trail what was written, from the first link on?"""
    found = await verify_audit_chain(session, ask.known_head)
    return AuditVerification(entries=found.entries, head=found.head, broken=found.broken)
