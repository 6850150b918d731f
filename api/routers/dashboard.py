"""The first look of the day."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import SignedIn, Transaction
from api.presenters import dashboard as presenter
from api.presenters.common import account_brief, one_sum
from api.presenters.dashboard import ReadAccount
from api.schemas.dashboard import Dashboard, ValueHistory
from infra.calendars import EXCHANGE_ZONE, exchange_date
from infra.db.day_record import equity_at_open
from infra.db.limits import limits_in_force
from infra.db.queries import books
from infra.db.queries.books import Period
from infra.db.queries.columns import AnyRow
from infra.db.queries.desk import desk_accounts
from infra.db.queries.strategies_at_work import enabled_strategies
from infra.db.risk import alert_thresholds

router = APIRouter(tags=["dashboard"])
OfClient = Annotated[UUID | None, Query(description="only this client's accounts")]
OfAccount = Annotated[UUID | None, Query(description="only this account")]


@router.get("/dashboard/")
async def dashboard(session: Transaction, viewer: SignedIn, client: OfClient = None) -> Dashboard:
    """Values, margin, exposure and what expires, over all accounts the person may see."""
    rows = await books.viewed_accounts(session, viewer, client, None)
    reads = [await read_account(session, row) for row in rows]
    accounts = [presenter.account(read) for read in reads]
    totals = presenter.totals(accounts)
    at_work = await enabled_strategies(session, [row.account_id for row in rows])
    return Dashboard(
        accounts=accounts,
        totals=totals,
        exposures=presenter.exposures(reads, totals),
        expiries=await asyncio.to_thread(presenter.expiries, reads),
        strategies=[presenter.strategy(row) for row in at_work],
    )


@router.get("/value-history/")
async def value_history(
    session: Transaction,
    viewer: SignedIn,
    client: OfClient = None,
    account: OfAccount = None,
    period: Period = Period.MONTH,
) -> ValueHistory:
    """Net liquidation value and margin over time, of the accounts in one kind of money, real
    before paper before simulated, and its commonest currency."""
    rows = [
        row
        for row in await desk_accounts(session, viewer, client)
        if account is None or row.id == account
    ]
    viewed = {
        row.account_id: row for row in await books.viewed_accounts(session, viewer, client, account)
    }
    known = [row for row in rows if row.snapshot_as_of is not None and row.id in viewed]
    kinds = {row.id: viewed[row.id].account_kind for row in known}
    summed = one_sum((kinds[row.id], row.currency) for row in known)
    kind, currency = summed or (None, None)
    counted = {row.id for row in known if (kinds[row.id], row.currency) == summed}
    points = await books.value_history(session, list(counted), period)
    return ValueHistory(
        kind=kind,
        currency=currency,
        left_out=[account_brief(row) for key, row in viewed.items() if key not in counted],
        points=[presenter.value_point(point) for point in points],
    )


async def read_account(session: AsyncSession, row: AnyRow) -> ReadAccount:
    """One account with its book, its limits and what it was worth when the day began."""
    book = await books.book_of(session, row.account_id)
    limits = (await limits_in_force(session, row.account_id)).limits
    opened = None
    if book is not None:
        opened = await equity_at_open(session, row.account_id, _day_began(book.values.as_of))
    thresholds = (await alert_thresholds(session)).within(limits)
    return ReadAccount(row, book, limits, thresholds, opened)


def _day_began(at: datetime) -> datetime:
    return datetime.combine(exchange_date(at), time(), tzinfo=EXCHANGE_ZONE).astimezone(UTC)
