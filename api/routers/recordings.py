"""The recorded data of the desk that backtests can be run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.deps import Desk, SignedIn, paged
from api.schemas.backtests import RecordingRow
from api.schemas.common import Page
from domain.errors import ErrorCode, GreenlightError
from infra.backtests.recordings import Holds, Recording, recordings
from infra.db.queries.paging import PageAsk, Rows, SortCursor, decode_cursor, foreign_cursor

router = APIRouter(prefix="/backtests/recordings", tags=["backtests"])
_COLUMNS: dict[str, Callable[[Recording], str | float]] = {
    "name": lambda each: each.name,
    "bytes": lambda each: each.bytes,
    "modified_at": lambda each: each.modified_at.timestamp(),
}


class _Sorts:
    """Files are no rows of a table: they are sorted here."""

    names = tuple(f"{sign}{name}" for name in _COLUMNS for sign in ("", "-"))
    default = "name"


@router.get("/")
async def list_recordings(
    desk: Desk,
    viewer: SignedIn,
    page: Annotated[PageAsk, Depends(paged(_Sorts()))],
    holds: Annotated[list[Holds], Query()] = [],  # noqa: B006 - never changed
) -> Page[RecordingRow]:
    """Files and folders of the history directory by name, for those who may start a backtest."""
    if not viewer.may_backtest:
        raise GreenlightError(ErrorCode.FORBIDDEN, "backtests need another role than VIEWER")
    found = await asyncio.to_thread(recordings, desk.settings.history)
    rows = _page([each for each in found if not holds or each.holds in holds], page)
    items = [RecordingRow.model_validate(each) for each in rows.items]
    return Page(items=items, next_cursor=rows.next_cursor)


def _page(found: list[Recording], page: PageAsk) -> Rows[Recording]:
    sort = page.sort or _Sorts.default
    column, backwards = _COLUMNS[sort.removeprefix("-")], sort.startswith("-")

    def place(each: Recording) -> tuple[str | float, str]:
        return column(each), each.name

    ordered = sorted(found, key=place, reverse=backwards)
    cursor = decode_cursor(SortCursor, page.cursor)
    if cursor is not None:
        last = tuple(cursor.after)
        if cursor.sort != page.sort or len(last) != 2:
            raise foreign_cursor()
        try:
            ordered = [
                each
                for each in ordered
                if (place(each) < last if backwards else place(each) > last)
            ]
        except TypeError as error:
            raise foreign_cursor() from error
    return Rows(
        ordered,
        page.limit,
        lambda each: SortCursor(sort=page.sort, after=list(place(each))),
    )
