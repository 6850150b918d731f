"""Option chains of the universe as last recorded."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import SignedIn, Transaction, found
from api.presenters import chains as presenter
from api.routers.dashboard import OfClient
from api.schemas.chains import ChainAnswer, RecordedUnderlying
from infra.db.queries import chains as queries

router = APIRouter(prefix="/chains", tags=["chains"])


@router.get("/")
async def list_chains(session: Transaction, viewer: SignedIn) -> list[RecordedUnderlying]:
    """The underlyings whose chains were recorded, by symbol; market data is everybody's."""
    rows = await queries.recorded_underlyings(session)
    return [RecordedUnderlying.model_validate(row) for row in rows]


@router.get("/{symbol}/")
async def get_chain(
    symbol: str,
    session: Transaction,
    viewer: SignedIn,
    client: OfClient = None,
    series: Annotated[str | None, Query(max_length=40, description="key of a series")] = None,
) -> ChainAnswer:
    """The latest chain: all its series, and the rows of one with greeks and what strategies that
    the person may see made of them. Without ``series``, the one nearest 30 days."""
    chain = found(
        await queries.latest_chain(session, symbol.upper()), "no chain of it was recorded"
    )
    picks = await queries.latest_picks(session, viewer, chain.symbol, client)
    return await asyncio.to_thread(presenter.chain_answer, chain, series, picks)
