"""Positions as rows; what they risk is told with the accounts' risk."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from api.deps import Listed, SignedIn, Transaction, paged
from api.fast_lists import page_answer
from api.presenters.positions import position_fields
from api.schemas.common import Page
from api.schemas.positions import HeldPosition
from infra.db.queries import positions as queries
from infra.db.queries.paging import PageAsk

router = APIRouter(tags=["risk"])


@router.get("/positions/", response_model=Page[HeldPosition])
async def list_positions(
    ask: Listed,
    page: Annotated[PageAsk, Depends(paged(queries.POSITIONS))],
    session: Transaction,
    viewer: SignedIn,
    underlying: Annotated[str | None, Query(max_length=16, description="only on this")] = None,
) -> Response:
    """What every visible account holds, as last read from the broker, by underlying."""
    rows = await queries.position_rows(
        session,
        viewer,
        page,
        client_id=ask.client,
        account_id=ask.account,
        symbol=underlying,
    )
    return page_answer(map(position_fields, rows.items), rows.next_cursor)
