"""The decision card's look ahead."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from api.deps import SignedIn, Transaction, found
from api.schemas.outlook import Drift, OutlookAnswer, SimilarRow
from domain.errors import ErrorCode, GreenlightError
from domain.recommendations import Terms
from domain.risk.outlook import TradeOutlook, trade_outlook
from infra.db.accounts import account_state
from infra.db.queries import outlooks as queries
from infra.db.queries.outlooks import Market, Offered

router = APIRouter(prefix="/recommendations", tags=["recommendations"])


@router.get("/{recommendation_id}/outlook/")
async def recommendation_outlook(
    recommendation_id: UUID, session: Transaction, viewer: SignedIn
) -> OutlookAnswer:
    """Pay-off, stress, margin, concentration and assignment at the latest quotes, how far the
    market has moved since the proposal, and what became of similar recommendations."""
    wanted = found(
        await queries.offered(session, viewer, recommendation_id), "no such recommendation"
    )
    market = await queries.market_of(session, wanted.terms)
    outlook, why_not = await _outlook(session, wanted, market)
    similar = await queries.similar(session, viewer, recommendation_id, wanted)
    return OutlookAnswer(
        drift=_drift(wanted.terms, market),
        outlook=outlook,
        why_no_outlook=why_not,
        similar=[SimilarRow.model_validate(row) for row in similar],
    )


async def _outlook(
    session: AsyncSession, wanted: Offered, market: Market
) -> tuple[TradeOutlook | None, str | None]:
    try:
        account = await account_state(session, wanted.account_id)
    except GreenlightError as error:
        if error.code is not ErrorCode.ACCOUNT_STALE:
            raise
        return None, "The account has not been read from the broker yet."
    basis = queries.basis_of(wanted)
    outlook = await asyncio.to_thread(trade_outlook, account, market.trade, wanted.terms, basis)
    return outlook, None


def _drift(terms: Terms, market: Market) -> Drift:
    bid, ask = queries.net_market(terms, market)
    now, then = market.trade.quotes[0].underlying_price, terms.reference_underlying_price
    moved = None if now is None else now / then - 1
    return Drift(
        as_of=market.as_of,
        is_live=market.is_live,
        bid=bid,
        ask=ask,
        bid_then=terms.reference_bid,
        ask_then=terms.reference_ask,
        underlying=now,
        underlying_then=then,
        underlying_moved=None if moved is None else float(moved),
        max_drift=terms.max_drift,
        is_beyond=moved is not None and abs(moved) > terms.max_drift,
    )
