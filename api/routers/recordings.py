"""The recorded data of the desk that backtests can be run on."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import Desk, SignedIn
from api.schemas.backtests import RecordingRow
from api.schemas.common import Page
from domain.errors import ErrorCode, GreenlightError
from infra.backtests.recordings import Holds, recordings
from infra.db.queries.paging import DEFAULT_LIMIT, Cursor, Limit, Rows, decode_cursor

router = APIRouter(prefix="/backtests/recordings", tags=["backtests"])


class RecordingCursor(Cursor):
    name: str


@router.get("/")
async def list_recordings(
    desk: Desk,
    viewer: SignedIn,
    holds: Annotated[list[Holds], Query()] = [],  # noqa: B006 - never changed
    limit: Annotated[Limit, Query()] = DEFAULT_LIMIT,
    cursor: Annotated[str | None, Query(max_length=1000)] = None,
) -> Page[RecordingRow]:
    """Files and folders of the history directory by name, for those who may start a backtest."""
    if not viewer.may_backtest:
        raise GreenlightError(ErrorCode.FORBIDDEN, "backtests need another role than VIEWER")
    after = decode_cursor(RecordingCursor, cursor)
    found = await asyncio.to_thread(recordings, desk.settings.history)
    rest = [
        each
        for each in found
        if (after is None or each.name > after.name) and (not holds or each.holds in holds)
    ]
    rows = Rows(rest, limit, lambda each: RecordingCursor(name=each.name))
    items = [RecordingRow.model_validate(each) for each in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor)
