"""Positions and risk over all accounts a person looks at."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter

from api.deps import SignedIn, Transaction
from api.presenters import dashboard as dashboards
from api.presenters import portfolio as presenter
from api.presenters.common import account_brief, one_sum
from api.presenters.portfolio import AccountAtRisk
from api.routers.dashboard import OfAccount, OfClient, read_account
from api.schemas.portfolio import NOTHING_HELD, PortfolioRisk
from domain.risk.state import compute_risk_state
from infra.db.known_facts import known_facts
from infra.db.queries import books

router = APIRouter(tags=["risk"])


@router.get("/portfolio-risk/")
async def portfolio_risk(
    session: Transaction,
    viewer: SignedIn,
    client: OfClient = None,
    account: OfAccount = None,
) -> PortfolioRisk:
    """Positions, greeks, stress, margin and what expires, of the accounts in one kind of money,
    real before paper before simulated, and its commonest currency: others do not add up.

    All of it at once, not in pages: rows and sums must be of the same moment.
    """
    rows = await books.viewed_accounts(session, viewer, client, account)
    reads = [await read_account(session, row) for row in rows]
    summed = one_sum(
        (read.kind, read.book.values.currency) for read in reads if read.book is not None
    )
    if summed is None:
        return NOTHING_HELD.model_copy(update={"left_out": [account_brief(row) for row in rows]})
    at_risk = [
        AccountAtRisk(
            row=read.row,
            book=read.book,
            risk=await asyncio.to_thread(compute_risk_state, read.book),
            gauge=dashboards.gauge(read),
        )
        for read in reads
        if read.book is not None and (read.kind, read.book.values.currency) == summed
    ]
    counted = {each.row.account_id for each in at_risk}
    symbols = {symbol for each in at_risk for symbol in each.book.symbols}
    latest = max(each.book.as_of for each in at_risk)
    return presenter.portfolio_risk(
        at_risk,
        [row for row in rows if row.account_id not in counted],
        await known_facts(session, symbols, latest),
    )
